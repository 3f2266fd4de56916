"""Several requests, one predict: who may share, how the inputs are joined, how the answer is split again.

Requests share a predict only if they would have given the same frame alone: the same columns, cells of the same types
column by column, equal ``params``.  The answer must be row by row, and of the form that the model gives to its own
example; else (say, a row without an answer turned a column of whole numbers into floats) each is asked alone.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Sequence

import numpy as np
import pandas as pd

from mlflow_score.answer import jsonable
from mlflow_score.model import LoadedModel
from mlflow_score.request import (
    fitting,
    frame,
    input_and_params,
    is_sparse,
    model_input,
    parse,
    signature_table,
)
from mlflow_score.tables import Table

MOST_ROWS = 1024
"""Larger requests gain nothing from company, and looking at each cell's type takes its time."""

REALS = ("double", "float")
NUMBERS = frozenset({int, float})


class Input(NamedTuple):
    """A request that has been read: a table or an array that may be joined with others, or the finished input.

    Attributes
    ----------
    data
        A Table, a numpy array of shape (rows, …), or what ``predict`` takes.
    params
        The request's ``params``, or None.
    rows
        Its rows; 1 where they cannot be told.
    """

    data: Any
    params: dict[str, Any] | None
    rows: int


class NotShareableError(Exception):
    """A shared predict's answer cannot be split among the requests."""


class Sharing:
    """A loaded model that answers several requests at once."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._form: Any = None
        self._reals = {label for label, _, field in model.spec.labels if field.type in REALS}

    def prepare(self, text: str) -> tuple[Any, Input, int]:
        """Return the key (None: this request shares with none), the input and its rows.

        Raises
        ------
        RequestError
            If the request is at fault.
        """
        return self._prepare(*parse(text, self._model.spec))

    def prepare_parsed(self, body: Any) -> tuple[Any, Input, int]:
        """Do the same for a body whose JSON has been parsed.

        Raises
        ------
        RequestError
            If the request is at fault.
        """
        return self._prepare(*input_and_params(body, self._model.spec))

    def _prepare(self, payload: Any, params: dict[str, Any] | None) -> tuple[Any, Input, int]:
        spec = self._model.spec
        # A model can tell empty params from none.
        said = "" if params is None else json.dumps(params, sort_keys=True)
        if not spec.fields or spec.as_it_is or is_sparse(payload, spec):
            return None, Input(model_input(payload, spec), params, 1), 1
        if spec.is_tensor:
            data = model_input(payload, spec)
            rows = _rows_of_tensor(data)
            key = None if rows is None else ("tensor", data.dtype.str, data.shape[1:], said)
            return key, Input(data, params, rows or 1), rows or 1
        with fitting(spec):
            table = signature_table(payload, spec)
        rows = len(next(iter(table.columns.values())))
        key = self._key(table, said) if rows <= MOST_ROWS else None
        return key, Input(table, params, rows), rows

    def answer(self, inputs: Sequence[Input]) -> list[Any]:
        """Return the answers, in order, as JSON can say them.

        Raises
        ------
        NotShareableError
            If there are several inputs, and the answer is not row by row or of another form than the example's.
        RequestError
            If an input does not fit.
        Exception
            Whatever the model raises.
        """
        data, params = self._joined(inputs), inputs[0].params
        prediction = self._model.predict(data, params)
        if len(inputs) == 1:
            return [jsonable(prediction)]
        if self._form is None or _form(prediction) != self._form:
            raise NotShareableError("the answer is of another form than the example's")
        rows = jsonable(prediction)
        if not isinstance(rows, list) or len(rows) != sum(one.rows for one in inputs):
            raise NotShareableError("the answer does not have a row for each row")
        answers, at = [], 0
        for one in inputs:
            answers.append(rows[at : at + one.rows])
            at += one.rows
        return answers

    def learn(self, text: str) -> None:
        """Score an example alone, and take the form of its answer for the model's."""
        _, one, _ = self.prepare(text)
        prediction = self._model.predict(self._joined([one]), one.params)
        jsonable(prediction)
        self._form = _form(prediction)

    def _joined(self, inputs: Sequence[Input]) -> Any:
        """Return what ``predict`` takes for all inputs together."""
        first = inputs[0].data
        if not isinstance(first, Table):
            return first if len(inputs) == 1 else np.concatenate([one.data for one in inputs])
        table = first
        if len(inputs) > 1:
            columns = {label: list(cells) for label, cells in first.columns.items()}
            for one in inputs[1:]:
                for label, cells in one.data.columns.items():
                    columns[label] += cells
            table = Table(columns)
        with fitting(self._model.spec):
            return frame(table, self._model.spec)

    def _key(self, table: Table, params: str) -> Any:
        """Return what tables must have in common to be joined; None where the client named the rows."""
        if table.index is not None:
            return None
        types = []
        for label, cells in table.columns.items():
            found = frozenset(map(type, cells))
            # 1 and 1.0 become the same number in a column of reals.
            types.append(found | NUMBERS if found & NUMBERS and label in self._reals else found)
        return tuple(table.columns), tuple(types), params


def _rows_of_tensor(data: Any) -> int | None:
    """Return the rows of an array whose rows may be joined with others', or None."""
    return len(data) if isinstance(data, np.ndarray) and data.ndim and data.dtype.kind in "biuf" else None


def _form(prediction: Any) -> Any:
    """Return what two answers must have in common for their rows to be written alike.

    Texts and objects are written one by one, whatever stands beside them; numbers take the type of their column.
    """
    if isinstance(prediction, pd.DataFrame):
        return "frame", tuple(prediction.columns), tuple(_dtype(dtype) for dtype in prediction.dtypes)
    if isinstance(prediction, pd.Series):
        return "series", prediction.name, _dtype(prediction.dtype)
    if isinstance(prediction, np.ndarray):
        return "array", _dtype(prediction.dtype), prediction.shape[1:]
    return type(prediction).__name__


def _dtype(dtype: Any) -> str:
    kind = getattr(dtype, "kind", "O")
    return kind if kind in "OUS" else str(dtype)
