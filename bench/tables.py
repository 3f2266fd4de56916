"""The data that every server is asked about, and the bodies in which they take it."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RANGES = ((4.3, 7.9), (2.0, 4.4), (1.0, 6.9), (0.1, 2.5))
"""Between these lie the measures of the iris flowers, in cm; uniform values have as many digits as a float has."""


@dataclass(frozen=True)
class Table:
    """Rows of numbers under named columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]


def example(model: Path) -> Table:
    """Return the input example that MLflow saved with the model."""
    split = json.loads((model / "serving_input_example.json").read_text())["dataframe_split"]
    return Table(tuple(split["columns"]), tuple(tuple(row) for row in split["data"]))


def flowers(columns: Sequence[str], count: int, seed: int = 0) -> Table:
    """Return ``count`` rows of measures; the same for the same seed."""
    chance = random.Random(seed)
    return Table(tuple(columns), tuple(tuple(chance.uniform(*bounds) for bounds in RANGES) for _ in range(count)))


def split_body(table: Table) -> bytes:
    """Return MLflow's ``dataframe_split``: what Azure ML's server, MLflow's and ours take."""
    return _json({"dataframe_split": {"columns": table.columns, "data": table.rows}})


def inference_body(table: Table) -> bytes:
    """Return a request of the Open Inference Protocol (v2): a tensor for each column."""
    inputs = [
        {"name": name, "datatype": "FP64", "shape": [len(table.rows), 1], "data": [row[number] for row in table.rows]}
        for number, name in enumerate(table.columns)
    ]
    return _json({"parameters": {"content_type": "pd"}, "inputs": inputs})


def rows_body(table: Table) -> bytes:
    """Return BentoML's form: the name of the service's argument and its array."""
    return _json({"rows": table.rows})


def _json(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
