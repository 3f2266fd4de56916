"""From a request's JSON to what the model's ``predict`` takes, by the model's own signature.

Accepted are the bodies that Azure ML's endpoints send (``input_data``), those of MLflow's own server
(``dataframe_split``, ``dataframe_records``, ``inputs``, ``instances``; https://mlflow.org/docs/latest, "Accepted input
formats"), and the bare content of the ``input_example.json`` that MLflow saves.  Only public names of MLflow are used,
and only what versions 1.30 to 3.17 agree on.  Runs on Python 3.8 and later.
"""

from __future__ import annotations

import contextlib
import json
from functools import lru_cache
from typing import Any, Iterator

import numpy as np
import pandas as pd

from mlflow_score.signature import SHOWN_FIELDS, WRAPPERS, Field, InputSpec, RequestError
from mlflow_score.tables import Table, is_split, read_table
from mlflow_score.values import column


def read_request(text: str, spec: InputSpec) -> tuple[Any, dict[str, Any] | None]:
    """Return the input for ``predict`` and the ``params`` beside it, or None.

    Raises
    ------
    RequestError
        If the text is not JSON, has no input in it, or the input does not fit the signature.
    """
    payload, params = parse(text, spec)
    return model_input(payload, spec), params


def parse(text: str, spec: InputSpec) -> tuple[Any, dict[str, Any] | None]:
    """Return the input that a body holds, as JSON has it, and the ``params`` beside it, or None.

    Raises
    ------
    RequestError
        If the text is not JSON, or has no input in it.
    """
    if not text.strip():
        # The server hands over nothing of a form, which is what `curl -d` sends unless told otherwise.
        raise spec.refuse("The body is empty, or sent as a form (use Content-Type: application/json).")
    try:
        body = json.loads(text)
    except RecursionError:
        raise spec.refuse("The body is nested too deeply.") from None
    except ValueError as error:
        raise spec.refuse(f"The body is not JSON ({error}).") from None
    return input_and_params(body, spec)


def input_and_params(body: Any, spec: InputSpec) -> tuple[Any, dict[str, Any] | None]:
    """Return the input that parsed JSON holds and the ``params`` beside it, or None.

    Raises
    ------
    RequestError
        If it has no input in it, or ``params`` are no names and values.
    """
    payload, params = unwrap(body, spec)
    if params is not None and not isinstance(params, dict):
        raise RequestError("`params` must be a JSON object of names and values.")
    if payload is None or (isinstance(payload, (list, dict)) and not payload):
        raise spec.refuse("The input is empty.")
    return payload, params


def unwrap(body: Any, spec: InputSpec) -> tuple[Any, Any]:
    """Split a body into its input and its ``params``.

    Raises
    ------
    RequestError
        If it holds no input, or more than one.
    """
    if not isinstance(body, dict):
        return body, None
    keys = [key for key in WRAPPERS if key in body and not _is_column(key, body, spec)]
    if len(keys) > 1:
        raise spec.refuse("The body has more than one input: {}.".format(", ".join(keys)))
    if keys:
        payload = body[keys[0]]
        inner = set(payload) if isinstance(payload, dict) else set()
        if inner and inner <= set(WRAPPERS) - set(spec.names):
            payload = unwrap(payload, spec)[0]
        return payload, body.get("params")
    if is_split(body, spec) or is_sparse(body, spec) or spec.as_it_is:
        return body, None
    required = {str(field.name) for field in spec.fields if field.required and field.name is not None}
    if spec.names and required <= set(body) and set(spec.names) & set(body):
        return body, None
    if not spec.fields and spec.example == "json_object":
        return body, None
    raise spec.refuse("A value is not provided for `input_data`.")


def _is_column(key: str, body: dict[str, Any], spec: InputSpec) -> bool:
    """Whether a wrapper's key is the name of a column here: the model has one, and it is not inside."""
    return key in spec.names and not (isinstance(body[key], dict) and key in body[key])


def model_input(payload: Any, spec: InputSpec) -> Any:
    """Turn parsed JSON into a DataFrame, an array, a dict of arrays, or (without a signature) what fits best.

    Raises
    ------
    RequestError
        If it does not fit the signature.
    """
    if spec.as_it_is:
        return payload
    if is_sparse(payload, spec):
        return _dense(payload, spec)
    if not spec.fields:
        return _without_signature(payload, spec)
    with fitting(spec):
        return _tensors(payload, spec) if spec.is_tensor else frame(signature_table(payload, spec), spec)


@contextlib.contextmanager
def fitting(spec: InputSpec) -> Iterator[None]:
    """Turn what Python and numpy raise at an input of another form into the error that says so."""
    try:
        yield
    except RequestError:
        raise
    except (ValueError, TypeError, OverflowError, KeyError, IndexError) as error:
        raise spec.refuse("The input does not fit the model's signature.") from error


def signature_table(payload: Any, spec: InputSpec) -> Table:
    """Return the signature's columns, in its order, as JSON has their cells; further ones are ignored, as MLflow does.

    Raises
    ------
    RequestError
        If a required column is missing.
    """
    table = read_table(payload, spec)
    values: dict[Any, list[Any]] = {str(label): cells for label, cells in table.columns.items()}
    if not spec.names:
        values = dict(enumerate(values.values()))
    present, missing, rows = {}, [], 0
    for label, key, field in spec.labels:
        cells = values.get(key)
        if cells:
            present[label] = cells
            rows = len(cells)
        elif cells is not None:
            raise spec.refuse("The input has no rows.")
        elif field.required:
            missing.append(str(label))
    if missing:
        raise spec.refuse("Missing: {}.".format(", ".join(missing[:SHOWN_FIELDS])))
    # Clients write out the index that a frame has anyway.
    return Table(present, None if table.index == list(range(rows)) else table.index)


def frame(table: Table, spec: InputSpec) -> pd.DataFrame:
    """Return a table of the signature's columns with the signature's types.

    Raises
    ------
    RequestError
        If a cell does not fit its column's type.
    """
    data = _of_reals(table, spec)
    if data is None:
        fields = {label: field for label, _, field in spec.labels}
        data = pd.DataFrame({label: column(cells, label, fields[label]) for label, cells in table.columns.items()})
    if table.index is not None:
        data.index = pd.Index(table.index)
    return data


def _of_reals(table: Table, spec: InputSpec) -> pd.DataFrame | None:
    """Return the frame where all columns are reals of one size, in a fifth of the time; else, or at a misfit, None."""
    if spec.reals is None:
        return None
    try:
        cells = np.array(list(table.columns.values()), dtype=spec.reals)
    except (ValueError, TypeError):
        return None  # column by column the cell is found that does not fit
    if cells.ndim != 2:
        return None
    return pd.DataFrame(cells.T, columns=_index(tuple(table.columns)).view(), copy=False)


@lru_cache(maxsize=16)
def _index(labels: tuple[Any, ...]) -> pd.Index:
    """Return the columns' index that pandas gives a frame with these labels."""
    return pd.DataFrame({label: [] for label in labels}).columns


def _tensors(payload: Any, spec: InputSpec) -> Any:
    """Return an array, or a dict of arrays where the signature has names."""
    if spec.names:
        if isinstance(payload, dict) and not is_split(payload, spec):
            columns = payload
        elif isinstance(payload, list) and len(spec.fields) == 1 and not isinstance(payload[0], dict):
            columns = {spec.names[0]: payload}
        else:
            columns = read_table(payload, spec).columns
        missing = [name for name in spec.names if name not in columns]
        if missing:
            raise spec.refuse("Missing: {}.".format(", ".join(missing)))
        return {field.name: _array(columns[str(field.name)], field, spec) for field in spec.fields}
    field = spec.fields[0]
    if isinstance(payload, dict) or (isinstance(payload, list) and isinstance(payload[0], dict)):
        series = list(read_table(payload, spec).columns.values())
        payload = series[0] if len(series) == 1 and len(field.shape) != 2 else [list(row) for row in zip(*series)]
    return _array(payload, field, spec)


def _array(value: Any, field: Field, spec: InputSpec) -> Any:
    """Return one tensor with the signature's type and shape, and nothing lost."""
    dtype = np.dtype(field.kind["tensor-spec"]["dtype"])
    array = np.array(value, dtype=dtype)
    if dtype.kind in "iub" and not np.array_equal(np.array(value), array):
        raise spec.refuse(f"The numbers do not fit {dtype.name}.")
    sizes = zip(field.shape, array.shape)
    if dtype.kind != "O" and (
        len(field.shape) != array.ndim or any(size not in (-1, actual) for size, actual in sizes)
    ):
        raise spec.refuse(f"The input has the shape {list(array.shape)}.")
    return array


def is_sparse(payload: Any, spec: InputSpec) -> bool:
    """Whether this is the form in which MLflow saves a sparse matrix, and the model was logged with one."""
    keys = {"data", "indices", "indptr", "shape"}
    return (spec.example or "").startswith("sparse_matrix") and isinstance(payload, dict) and set(payload) == keys


def _dense(payload: dict[str, Any], spec: InputSpec) -> Any:
    """Return the matrix that MLflow saved as a compressed sparse one (by rows, or by columns)."""
    by_columns = spec.example == "sparse_matrix_csc"
    try:
        rows, columns = payload["shape"]
        matrix = np.zeros((columns, rows) if by_columns else (rows, columns))
        for line, (start, end) in enumerate(zip(payload["indptr"], payload["indptr"][1:])):
            matrix[line, payload["indices"][start:end]] = payload["data"][start:end]
    except (ValueError, TypeError, IndexError) as error:
        raise spec.refuse("The sparse matrix is not one.") from error
    return matrix.T if by_columns else matrix


def _without_signature(payload: Any, spec: InputSpec) -> Any:
    """Choose by the form, and by the saved example where the form leaves it open."""
    if spec.example == "json_object":
        return payload
    if is_split(payload, spec):
        table = read_table(payload, spec)
        return pd.DataFrame(table.columns, index=table.index)
    if isinstance(payload, list):
        if all(isinstance(item, dict) for item in payload):
            return pd.DataFrame(payload)
        try:
            return np.array(payload)
        except ValueError as error:
            raise spec.refuse("The rows are not of one length.") from error
    if isinstance(payload, dict) and all(isinstance(value, list) for value in payload.values()):
        scalars = not any(isinstance(item, (list, dict)) for column in payload.values() for item in column)
        if spec.example != "ndarray" and scalars and len({len(column) for column in payload.values()}) == 1:
            return pd.DataFrame(payload)
        return {name: np.array(column) for name, column in payload.items()}
    return payload
