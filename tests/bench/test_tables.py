"""What is asked: the same for every server, each in its own form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.tables import Table, flowers, inference_body, rows_body, split_body

TABLE = Table(("a", "b"), ((1.5, 2.0), (3.0, 4.5)))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            split_body, {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2.0], [3.0, 4.5]]}}, id="mlflow"
        ),
        pytest.param(
            inference_body,
            {
                "parameters": {"content_type": "pd"},
                "inputs": [
                    {"name": "a", "datatype": "FP64", "shape": [2, 1], "data": [1.5, 3.0]},
                    {"name": "b", "datatype": "FP64", "shape": [2, 1], "data": [2.0, 4.5]},
                ],
            },
            id="open inference protocol",
        ),
        pytest.param(rows_body, {"rows": [[1.5, 2.0], [3.0, 4.5]]}, id="bentoml"),
    ],
)
def test_bodies(body: Any, expected: Any) -> None:
    """The same numbers in each server's own form."""
    assert expected == json.loads(body(TABLE))


def test_flowers_are_the_same_for_the_same_seed() -> None:
    """A run can be repeated."""
    assert flowers("abcd", 3, seed=1) == flowers("abcd", 3, seed=1)


def test_ten_thousand_rows_are_about_a_megabyte() -> None:
    """Numbers have all their digits, as measured ones have."""
    assert 0.7e6 < len(split_body(flowers(["length", "width", "height", "depth"], 10_000))) < 1.1e6
