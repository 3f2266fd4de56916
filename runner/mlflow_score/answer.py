"""From what a model's ``predict`` returned to what JSON can say: numbers, text, lists and objects, nothing else.

The form is the reference's: a DataFrame becomes a list of records, an array a nested list.  Other than the reference's
it is always valid JSON: NaN and infinities become null.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import math
from typing import Any

import numpy as np
import pandas as pd


def jsonable(answer: Any) -> Any:
    """Return ``answer`` as lists, dicts, text, numbers, booleans and None.

    Raises
    ------
    TypeError
        If it holds something that JSON has no words for.
    """
    if isinstance(answer, np.ndarray):
        return _array(answer)
    if isinstance(answer, pd.DataFrame):
        return [jsonable(record) for record in answer.to_dict(orient="records")]
    if isinstance(answer, pd.Series):
        # A record for each row, named as the series is (0 without a name): what MLflow and the reference answer.
        return jsonable(answer.to_frame())
    if isinstance(answer, dict):
        return {str(key): jsonable(value) for key, value in answer.items()}
    if isinstance(answer, (list, tuple, set, frozenset)):
        return [jsonable(value) for value in answer]
    return _scalar(answer)


def _array(array: Any) -> Any:
    if array.dtype.kind in "iubU":
        return array.tolist()
    if array.dtype.kind == "f" and np.isfinite(array).all():
        return array.tolist()
    if array.dtype.kind in "mM":
        array = array.astype("datetime64[ns]" if array.dtype.kind == "M" else "timedelta64[ns]")
        return [jsonable(item) for item in array] if array.ndim else _scalar(array[()])
    return jsonable(array.tolist())


def _scalar(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, decimal.Decimal)):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, (np.datetime64, np.timedelta64)):
        moment = pd.Timestamp(value) if isinstance(value, np.datetime64) else pd.Timedelta(value)
        return None if moment is pd.NaT else moment.isoformat()
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time, pd.Timedelta)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, np.bytes_)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, np.generic):
        return _scalar(value.item())
    # pydantic's models; then sparse matrices, and tensors of other libraries.
    for method in ("model_dump", "toarray", "tolist"):
        if hasattr(value, method):
            return jsonable(getattr(value, method)())
    raise TypeError(f"the model returned a {type(value).__name__}, which cannot be written as JSON")
