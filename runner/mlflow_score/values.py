"""JSON values of one column as the signature's type: nothing is lost, and a value that does not fit is refused."""

from __future__ import annotations

import base64
from typing import Any, Callable

import numpy as np
import pandas as pd

from mlflow_score.signature import Field, RequestError

INTEGERS = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}
"""Bounds of MLflow's whole numbers."""

DTYPES = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "datetime": "datetime64[ns]",
}
"""numpy's names for MLflow's column types; all others are columns of objects."""


def column(values: list[Any], label: Any, field: Field) -> Any:
    """Return one column with its type; the row of a value that does not fit is named, the value is not.

    Raises
    ------
    RequestError
        If a value is of another type, or would lose something in the column's.
    """
    where = f"column {label} ({field.type})"
    if field.type in ("double", "float"):
        try:
            column = np.array(values, dtype=DTYPES[field.type])
            if column.ndim == 1:
                return column
        except (ValueError, TypeError):
            pass  # the loop below finds the row
    cells = []
    for number, value in enumerate(values, 1):
        try:
            cells.append(_cell(value, field.kind))
        except (ValueError, TypeError, OverflowError, AttributeError, KeyError):
            raise RequestError(f"Row {number}, {where}: the value is of another type.") from None
        if value is None and field.type in INTEGERS:
            raise RequestError(f"Row {number}, {where}: null, which a whole-number column cannot hold.")
    if field.type == "boolean" and None in cells:
        return pd.Series(cells, dtype=object)
    if field.type == "string":
        # pandas chooses its own type for text, as it did for the training data.
        return pd.Series(cells, dtype=None if all(isinstance(cell, str) for cell in cells) else object)
    if field.type in DTYPES:
        return pd.Series(cells, dtype=DTYPES[field.type])
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return column


def _cell(value: Any, kind: dict[str, Any]) -> Any:
    """Convert one value to MLflow's type ``kind``, nested ones included; null stays None.

    Raises
    ------
    ValueError, TypeError, OverflowError
        If it is of another type, or would lose something.
    """
    type_ = kind["type"]
    if value is None:
        return None
    if type_ == "array":
        return [_cell(item, kind["items"]) for item in value]
    if type_ == "map":
        return {key: _cell(item, kind["values"]) for key, item in value.items()}
    if type_ == "object":
        properties = kind["properties"]
        return {key: _cell(item, properties[key]) if key in properties else item for key, item in value.items()}
    convert = CELLS.get(type_)
    return convert(value, type_) if convert else value


def _real(value: Any, type_: str) -> float:
    return float(value)


def _whole(value: Any, type_: str) -> int:
    number = int(value)
    low, high = INTEGERS[type_]
    if (isinstance(value, float) and number != value) or not low <= number <= high:
        raise ValueError("would lose something")
    return number


def _truth(value: Any, type_: str) -> bool:
    if not isinstance(value, (bool, int)) or value not in (0, 1):
        raise ValueError("neither true nor false")
    return bool(value)


def _text(value: Any, type_: str) -> Any:
    if isinstance(value, (list, dict)):
        raise TypeError("not a text")
    return value  # a number in a column of text stays one, as in MLflow


def _moment(value: Any, type_: str) -> pd.Timestamp:
    """Read ISO 8601; a moment with an offset becomes UTC, since signatures know no time zones."""
    if not isinstance(value, str):
        raise TypeError("seconds, or milliseconds?")
    moment = pd.Timestamp(value)
    return moment if moment.tzinfo is None else moment.tz_convert(None)


def _binary(value: Any, type_: str) -> bytes:
    return base64.b64decode("".join(value.split()), validate=True)  # MLflow saves it with line breaks


CELLS: dict[str, Callable[[Any, str], Any]] = {
    "double": _real,
    "float": _real,
    "long": _whole,
    "integer": _whole,
    "boolean": _truth,
    "string": _text,
    "datetime": _moment,
    "binary": _binary,
}
