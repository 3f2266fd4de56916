"""What JSON says of each thing that a model may return."""

from __future__ import annotations

import datetime
import decimal
import json
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from tests.serving import ENTRY_SCRIPT

sys.path.append(str(ENTRY_SCRIPT.parent))
from mlflow_score.answer import jsonable

NAN = float("nan")
MOMENT = datetime.datetime(2024, 1, 2, 3, 4, 5)
ANSWERS = {
    "array": (np.array([[1, 2]]), [[1, 2]]),
    "gaps in an array": (np.array([1.5, NAN, np.inf]), [1.5, None, None]),
    "float32": (np.array([0.5], dtype="float32"), [0.5]),
    "truth values": (np.array([True]), [True]),
    "texts": (np.array(["a"]), ["a"]),
    "array of objects": (np.array([{"a": np.int64(1)}, None], dtype=object), [{"a": 1}, None]),
    "moments": (np.array(["2024-01-02T03:04:05", "NaT"], dtype="datetime64[s]"), ["2024-01-02T03:04:05", None]),
    "bytes": (np.array([b"abc"]), ["YWJj"]),
    "frame": (pd.DataFrame({"a": [1, 2], "b": [NAN, 0.5]}), [{"a": 1, "b": None}, {"a": 2, "b": 0.5}]),
    "frame of moments": (
        pd.DataFrame({"a": [pd.Timestamp(MOMENT), pd.NaT]}),
        [{"a": "2024-01-02T03:04:05"}, {"a": None}],
    ),
    "series": (pd.Series([1, 2], name="a"), [{"a": 1}, {"a": 2}]),
    "series without a name": (pd.Series([1]), [{"0": 1}]),
    "nested": ({"a": (np.float64(NAN), [np.bool_(True)])}, {"a": [None, [True]]}),
    "whole numbers as keys": ({1: 2}, {"1": 2}),
    "sparse": (csr_matrix(np.eye(2)), [[1.0, 0.0], [0.0, 1.0]]),
    "decimal": (decimal.Decimal("0.5"), 0.5),
    "date": (datetime.date(2024, 1, 2), "2024-01-02"),
    "missing": (pd.NA, None),
    "zero dimensions": (np.array(3), 3),
    "nothing": (None, None),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_answers_become_valid_json(answer: Any, expected: Any) -> None:
    """Lists, records, numbers, texts and null; never NaN."""
    assert expected == json.loads(json.dumps(jsonable(answer), allow_nan=False))


def test_what_json_has_no_word_for_is_told() -> None:
    """The type is named."""
    with pytest.raises(TypeError, match="returned a object"):
        jsonable([object()])
