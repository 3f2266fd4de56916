"""The rows of an example, each as a request of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

STEP = 0.125
"""How much a copied row's real numbers differ from the original's, as a share; a power of two keeps them exact."""

MOST = 16
"""Rows that are taken of an example."""


def single_rows(example: bytes) -> list[bytes]:
    """Return at least two different requests of one row each, or an empty list where the example's form has no rows.

    An example of one row is varied in its real numbers, which makes rows that the model has not been shown: whether
    it answers them alike, alone and together, can be asked all the same.
    """
    body = json.loads(example)
    found = _rows(body)
    if found is None:
        return []
    rows, wrap = found
    distinct = {json.dumps(row): row for row in rows[:MOST]}
    if len(distinct) == 1:
        row = rows[0]
        distinct |= {json.dumps(varied): varied for varied in (_varied(row, 1 + STEP * step) for step in range(1, 4))}
    if len(distinct) < 2:
        return []
    return [json.dumps(wrap([row])).encode() for row in distinct.values()]


def repeated(example: bytes, count: int) -> bytes | None:
    """Return a request of ``count`` rows, the example's again and again, or None where its form has no rows."""
    found = _rows(json.loads(example))
    if found is None:
        return None
    rows, wrap = found
    return json.dumps(wrap([rows[number % len(rows)] for number in range(count)])).encode()


def _rows(body: Any) -> tuple[list[Any], Callable[[list[Any]], Any]] | None:
    """Return the rows of a body, and what makes a body of rows again."""
    if isinstance(body, list) and body:
        return body, lambda rows: rows
    if not isinstance(body, dict):
        return None
    for key in ("dataframe_split", "dataframe_records", "inputs", "instances", "input_data"):
        if key in body:
            return _wrapped_rows(body, key)
    if isinstance(body.get("data"), list) and body["data"] and set(body) <= {"columns", "index", "data"}:
        rest = {name: value for name, value in body.items() if name == "columns"}
        return body["data"], lambda rows: {**rest, "data": rows}
    columns = list(body.values())
    if columns and all(isinstance(column, list) and len(column) == len(columns[0]) and column for column in columns):
        rows = [list(row) for row in zip(*columns, strict=True)]
        return rows, lambda rows: {name: [row[at] for row in rows] for at, name in enumerate(body)}
    return None


def _wrapped_rows(body: dict[str, Any], key: str) -> tuple[list[Any], Callable[[list[Any]], Any]] | None:
    inner = _rows(body[key])
    if inner is None:
        return None
    found, wrap = inner
    return found, lambda rows: {**body, key: wrap(rows)}


def _varied(value: Any, factor: float) -> Any:
    if isinstance(value, float):
        return value * factor
    if isinstance(value, list):
        return [_varied(item, factor) for item in value]
    return {name: _varied(item, factor) for name, item in value.items()} if isinstance(value, dict) else value
