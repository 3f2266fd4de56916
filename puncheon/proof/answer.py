"""An answer against the model's output signature, and against the output example; pure functions on parsed JSON.

A signature's outputs are a list of columns (``{"type": "double", "name": "score", "required": true}``) or of tensors
(``{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}, "name": …}``), as MLmodel holds them.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

RELATIVE_TOLERANCE = 1e-5
ABSOLUTE_TOLERANCE = 1e-8
"""Numbers are equal within ``ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * |expected|``: what float32 models differ by
between processors (numpy.allclose has the same)."""

SHOWN_CHARACTERS = 60
"""A message shows at most so much of one value."""

Kind = Mapping[str, Any]


def difference_from_signature(answer: Any, outputs: Sequence[Kind]) -> str | None:
    """Return one sentence about the first thing in ``answer`` that the signature does not say, or None.

    MLflow leaves open in which form an answer comes, so one column may come as plain values, as records of one key, or
    as an object of one key, whatever the column is called.
    """
    if not outputs:
        return None
    if outputs[0]["type"] == "tensor":
        return _difference_from_tensors(answer, outputs)
    return _difference_from_columns(answer, outputs)


def _difference_from_tensors(answer: Any, outputs: Sequence[Kind]) -> str | None:
    if outputs[0].get("name") is None:
        spec = outputs[0]["tensor-spec"]
        return _tensor_difference(_without_single_key(answer, spec["shape"]), spec, "the answer")
    if not isinstance(answer, dict):
        if len(outputs) > 1:
            names = ", ".join(str(output["name"]) for output in outputs)
            return f"expected an object with the tensors {names}, got {describe(answer)}"
        answer = {outputs[0]["name"]: answer}
    for output in outputs:
        name = str(output["name"])
        if name not in answer:
            return f"the tensor {name!r} is missing"
        found = _tensor_difference(answer[name], output["tensor-spec"], f"the tensor {name!r}")
        if found:
            return found
    return None


def _without_single_key(answer: Any, shape: Sequence[int]) -> Any:
    """Return the values of records with one key each (a pandas Series is answered so), shaped as expected."""
    if isinstance(answer, list) and answer and all(isinstance(row, dict) and len(row) == 1 for row in answer):
        values = [next(iter(row.values())) for row in answer]
        return [[value] for value in values] if len(shape) == 2 else values
    if isinstance(answer, list) and answer and len(shape) == 2 and all(isinstance(row, dict) for row in answer):
        return [list(row.values()) for row in answer]
    return answer


def _tensor_difference(value: Any, spec: Kind, what: str) -> str | None:
    dtype, expected = str(spec["dtype"]), list(spec["shape"])
    if dtype == "object":
        return None
    shape = shape_of(value)
    if shape is None:
        return f"{what} is ragged: expected the shape {expected}"
    if len(shape) != len(expected) or any(
        size not in (-1, actual) for size, actual in zip(expected, shape, strict=True)
    ):
        return f"{what} has the shape {list(shape)}: expected {expected} (-1: any size) of {dtype}"
    fits = TENSOR_TYPES.get(re.sub(r"[\d\[].*", "", dtype), lambda cell: True)
    for cell in cells(value):
        if not fits(cell):
            return f"{what} holds {show(cell)}: expected {dtype}"
    return None


def _difference_from_columns(answer: Any, outputs: Sequence[Kind]) -> str | None:
    rows: Sequence[Any] = answer if isinstance(answer, list) else [answer]
    if len(outputs) == 1:
        return _difference_from_one_column(rows, answer, outputs[0])
    names: list[Any] = [output.get("name", position) for position, output in enumerate(outputs)]
    if isinstance(answer, dict) and any(isinstance(value, list) for value in answer.values()):
        lengths = {len(value) for value in answer.values() if isinstance(value, list)}
        if len(lengths) == 1 and not any(output["type"] in NESTED for output in outputs):
            rows = [dict(zip(answer, row, strict=True)) for row in zip(*answer.values(), strict=True)]
    found = (_record_difference(row, names, outputs, f"row {number}") for number, row in enumerate(rows, 1))
    return next(filter(None, found), None)


def _record_difference(row: Any, names: Sequence[Any], outputs: Sequence[Kind], where: str) -> str | None:
    if isinstance(row, list) and len(row) == len(outputs):
        row = dict(zip(names, row, strict=True))
    if not isinstance(row, dict):
        return f"{where} is {show(row)}: expected a record with the columns {_listed(names)}"
    for name, output in zip(map(str, names), outputs, strict=True):
        if name in row:
            found = _cell_difference(row[name], output, f"{where}, column {name!r}")
            if found:
                return found
        elif output.get("required", True):
            return f"the column {name!r} is missing: the answer has {_listed(row)}"
    extra = [key for key in row if str(key) not in map(str, names)]
    return f"the columns {_listed(extra)} are not in the signature, which has {_listed(names)}" if extra else None


def _difference_from_one_column(rows: Sequence[Any], answer: Any, output: Kind) -> str | None:
    name = output.get("name")
    title = f"column {name!r}" if name is not None else "the only column"
    if isinstance(answer, dict) and len(answer) == 1 and isinstance(next(iter(answer.values())), list):
        rows = [{next(iter(answer)): value} for value in next(iter(answer.values()))]
    for number, row in enumerate(rows, 1):
        value = row
        if isinstance(row, dict) and output["type"] not in ("object", "map", "any"):
            key = next(iter(row)) if len(row) == 1 else str(name)
            # "0" is what a Series without a name is called.
            if key not in row or (name is not None and key not in (str(name), "0")):
                return f"row {number} has the columns {_listed(row)}: expected {name!r} ({output['type']})"
            value = row[key]
        elif isinstance(row, dict) and len(row) == 1 and str(name) in row:
            value = row[str(name)]
        elif isinstance(row, list) and len(row) == 1 and output["type"] != "array":
            value = row[0]
        found = _cell_difference(value, output, f"row {number}, {title}")
        if found:
            return found
    return None


def _cell_difference(value: Any, kind: Kind, where: str) -> str | None:
    type_ = kind["type"]
    if value is None:
        # NaN is written as null, and text and objects may be absent; whole numbers and truth values cannot be.
        return f"{where} is null: expected {type_}" if type_ in ("integer", "long", "boolean") else None
    if type_ == "array":
        if not isinstance(value, list):
            return f"{where} is {show(value)}: expected a list"
        return next(filter(None, (_cell_difference(item, kind["items"], where) for item in value)), None)
    if type_ in ("object", "map"):
        if not isinstance(value, dict):
            return f"{where} is {show(value)}: expected an object"
        kinds: Mapping[str, Kind] = (
            kind["properties"] if type_ == "object" else {str(key): kind["values"] for key in value}
        )
        for key, inner in kinds.items():
            if key in value:
                found = _cell_difference(value[key], inner, f"{where}, {key!r}")
                if found:
                    return found
            elif inner.get("required", True):
                return f"{where} lacks {key!r}"
        return None
    fits = COLUMN_TYPES.get(type_)
    return f"{where} is {show(value)}: expected {type_}" if fits and not fits(value) else None


NESTED = ("array", "object", "map", "any")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_base64(value: Any) -> bool:
    try:
        base64.b64decode("".join(value.split()), validate=True)
    except (ValueError, AttributeError):
        return False
    return True


def _is_moment(value: Any) -> bool:
    return isinstance(value, str) and bool(re.match(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d|$)", value))


COLUMN_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_integer(value) and -(2**31) <= value < 2**31,
    "long": lambda value: _is_integer(value) and -(2**63) <= value < 2**63,
    "float": _is_number,
    "double": _is_number,
    "string": lambda value: isinstance(value, str),
    "binary": _is_base64,
    "datetime": _is_moment,
}
TENSOR_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "bool": lambda value: isinstance(value, bool),
    "int": _is_integer,
    "uint": lambda value: _is_integer(value) and value >= 0,
    "float": lambda value: value is None or _is_number(value),
    "str": lambda value: isinstance(value, str),
    "bytes": _is_base64,
    "datetime": _is_moment,
}


def difference_from_example(answer: Any, expected: Any, path: str = "the answer") -> str | None:
    """Return one sentence about the first difference, or None; numbers are equal within the tolerances above.

    ``expected`` may also be wrapped as MLflow's server answers: ``{"predictions": …}``.
    """
    if path == "the answer" and isinstance(expected, dict) and set(expected) == {"predictions"} != _keys(answer):
        expected = expected["predictions"]
    if _is_number(expected) and _is_number(answer):
        close = math.isclose(answer, expected, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
        return None if close else f"{path} is {show(answer)}: expected {show(expected)}"
    if isinstance(expected, list) and isinstance(answer, list):
        if len(expected) != len(answer):
            return f"{path} has {len(answer)} items: expected {len(expected)}"
        pairs = zip(answer, expected, strict=True)
        found = (difference_from_example(got, want, f"{path}[{index}]") for index, (got, want) in enumerate(pairs))
        return next(filter(None, found), None)
    if isinstance(expected, dict) and isinstance(answer, dict):
        if set(expected) != set(answer):
            return f"{path} has the keys {_listed(answer)}: expected {_listed(expected)}"
        found = (difference_from_example(answer[key], want, f"{path}[{key!r}]") for key, want in expected.items())
        return next(filter(None, found), None)
    same = answer == expected and isinstance(answer, bool) == isinstance(expected, bool)
    return None if same else f"{path} is {show(answer)}: expected {show(expected)}"


def _keys(value: Any) -> set[str]:
    return set(value) if isinstance(value, dict) else set()


def describe(answer: Any) -> str:
    """Return kind and shape in words, and no value: ``list of 2 x 3 numbers``, ``list of 2 records (a, b)``."""
    if isinstance(answer, dict):
        return f"object ({_listed(answer)})"
    if not isinstance(answer, list):
        return type_name(answer)
    if answer and all(isinstance(row, dict) for row in answer):
        return f"list of {len(answer)} records ({_listed(answer[0])})"
    shape = shape_of(answer)
    kinds = sorted({type_name(cell) for cell in cells(answer)})
    size = " x ".join(map(str, shape)) if shape else f"{len(answer)} ragged"
    return f"list of {size} {' and '.join(f'{kind}s' for kind in kinds) or 'items'}"


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of nested lists, or None where they are ragged."""
    if not isinstance(value, list):
        return ()
    shapes = {shape_of(item) for item in value}
    if len(shapes) > 1 or None in shapes:
        return None
    inner = shapes.pop() if shapes else ()
    assert inner is not None  # noqa: S101 -- None has just been ruled out
    return (len(value), *inner)


def cells(value: Any) -> list[Any]:
    """Return all that nested lists hold, flat."""
    return [cell for item in value for cell in cells(item)] if isinstance(value, list) else [value]


def type_name(value: Any) -> str:
    """Return JSON's word for a value's type, with whole numbers told from others."""
    names = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "list"}
    return names.get(type(value), "null")


def show(value: Any) -> str:
    """Return a value for a message, shortened, with its type."""
    text = repr(value)
    text = text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
    return f"{text} ({type_name(value)})"


def _listed(names: Any, most: int = 8) -> str:
    names = [str(name) for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
