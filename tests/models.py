"""Small models for tests: each function trains one and saves it in the folder it is given.

What they are stands in ``tests/make_model.py``, which runs in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

MAKER = Path(__file__).with_name("make_model.py")

NAMES = (
    "iris",
    "no_example",
    "no_signature",
    "wrong_output_signature",
    "example_fails",
    "needs_missing_module",
    "with_output_example",
    "wrong_output_example",
    "tensor_input",
    "named_tensors",
    "sparse",
    "records",
    "typed_columns",
    "every_type",
    "whole_tensor",
    "dataframe_output",
    "with_params",
    "nested_columns",
    "type_hints",
    "text_lines",
    "not_deterministic",
    "depends_on_neighbours",
    "one_answer_for_all_rows",
    "runs_a_thread",
    "cannot_be_loaded",
    "killed_while_loading",
)


def make(names: Iterable[str], root: Path, python: str | Path = sys.executable) -> dict[str, Path]:
    """Save the models ``names`` below ``root``, by the MLflow of the interpreter ``python``; return their folders."""
    names = list(names)
    done = subprocess.run(
        [python, "-W", "ignore", MAKER, root, *names],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return {name: root / name for name in names}


def _make_one(name: str, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = make([name], folder.parent)[name]
    if made != folder:
        made.rename(folder)


iris: Callable[[Path], None] = partial(_make_one, "iris")
no_example: Callable[[Path], None] = partial(_make_one, "no_example")
wrong_output_signature: Callable[[Path], None] = partial(_make_one, "wrong_output_signature")
example_fails: Callable[[Path], None] = partial(_make_one, "example_fails")
needs_missing_module: Callable[[Path], None] = partial(_make_one, "needs_missing_module")
with_output_example: Callable[[Path], None] = partial(_make_one, "with_output_example")
depends_on_neighbours: Callable[[Path], None] = partial(_make_one, "depends_on_neighbours")
