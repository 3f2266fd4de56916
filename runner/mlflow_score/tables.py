"""One shape for every form in which clients write rows and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlflow_score.signature import InputSpec


@dataclass(frozen=True)
class Table:
    """Columns of equal length, by label, in order; ``index`` names the rows where the client did."""

    columns: dict[Any, list[Any]]
    index: list[Any] | None = None


def is_split(payload: Any, spec: InputSpec) -> bool:
    """Whether this is pandas' split form: ``data``, and perhaps ``columns`` and ``index``."""
    return (
        isinstance(payload, dict)
        and isinstance(payload.get("data"), list)
        and set(payload) <= {"columns", "index", "data"}
        and ("data" not in spec.names or "columns" in payload)
    )


def read_table(payload: Any, spec: InputSpec) -> Table:
    """Read split form, records, rows, a dict of columns, one record, or one value.

    Raises
    ------
    RequestError
        If rows or columns are not of one length, or a name stands twice.
    """
    if is_split(payload, spec):
        rows = payload["data"]
        if not _are_lists(rows):
            rows = [row if isinstance(row, list) else [row] for row in rows]
        labels = payload.get("columns") or list(range(len(rows[0]) if rows else 0))
        return Table(_columns(rows, labels, spec), payload.get("index"))
    if isinstance(payload, dict):
        single = any(not isinstance(value, list) for value in payload.values()) or _has_nested_columns(spec)
        columns = {key: [value] for key, value in payload.items()} if single else payload
        if len({len(column) for column in columns.values()}) > 1:
            raise spec.refuse("The columns are not of one length.")
        return Table(columns)
    if not isinstance(payload, list):
        payload = [payload]
    if all(isinstance(item, dict) for item in payload):
        labels = list(dict.fromkeys(key for record in payload for key in record))
        return Table({label: [record.get(label) for record in payload] for label in labels})
    labels = spec.names or list(range(len(spec.fields)))
    if len(spec.fields) == 1 and (_has_nested_columns(spec) or not any(isinstance(item, list) for item in payload)):
        return Table({labels[0]: payload})
    return Table(_columns(payload, labels, spec))


def _has_nested_columns(spec: InputSpec) -> bool:
    return any(field.type in ("array", "object", "map", "any") for field in spec.fields)


def _columns(rows: list[Any], labels: list[Any], spec: InputSpec) -> dict[Any, list[Any]]:
    """Turn rows into columns."""
    if len(set(map(str, labels))) != len(labels):
        raise spec.refuse("A column is named twice.")
    if not _are_lists(rows) or set(map(len, rows)) - {len(labels)}:
        _refuse_row(rows, len(labels), spec)
    if not rows:
        return {label: [] for label in labels}
    return {label: list(values) for label, values in zip(labels, zip(*rows))}


def _are_lists(rows: list[Any]) -> bool:
    """Whether each row is a list; without a loop of ours, which is felt at 10,000 rows."""
    return set(map(type, rows)) <= {list}


def _refuse_row(rows: list[Any], width: int, spec: InputSpec) -> None:
    """Raise RequestError for the first row that is not a list of ``width`` values."""
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != width:
            have = f"has {len(row)} values" if isinstance(row, list) else "is no list of values"
            raise spec.refuse(f"Row {number} {have}; {width} are needed.")
