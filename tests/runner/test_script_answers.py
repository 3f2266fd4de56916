"""Status, body and head of what a script returns or raises."""

from __future__ import annotations

import datetime
import decimal
import json
from typing import Any

import flask
import numpy as np
import pandas as pd
import pytest

from puncheon_runner.answers import FAILED, UNWRITABLE, encode, refuse

NAN = float("nan")
RECURSIVE: list[Any] = []
RECURSIVE.append(RECURSIVE)


class Model:
    """As pydantic's."""

    def model_dump(self) -> dict[str, Any]:
        return {"a": 1}


VALUES = {
    "nothing": (None, {}),
    "text": ("ä", "ä"),
    "tuple": ((1, (2,)), [1, [2]]),
    "NaN": (NAN, None),
    "infinity within": ({"a": [float("inf"), 1.5]}, {"a": [None, 1.5]}),
    "array": (np.array([[1, 2]]), [[1, 2]]),
    "array with gaps": (np.array([1.5, NAN]), [1.5, None]),
    "scalar": (np.float32(0.5), 0.5),
    "truth value": (np.bool_(True), True),
    "moments": (np.array(["2024-01-02T03:04:05"], dtype="datetime64[s]"), ["2024-01-02T03:04:05"]),
    "frame": (pd.DataFrame({"a": [1, 2], "b": [NAN, 0.5]}), [{"a": 1, "b": None}, {"a": 2, "b": 0.5}]),
    "frame of moments": (pd.DataFrame({"a": [pd.Timestamp("2024-01-02")]}), [{"a": "2024-01-02T00:00:00"}]),
    "series": (pd.Series([1, NAN]), [1.0, None]),
    "bytes": (b"abc", "YWJj"),
    "bytes that change": (bytearray(b"abc"), "YWJj"),
    "set": ({1}, [1]),
    "date": (datetime.date(2024, 1, 2), "2024-01-02"),
    "decimal": ([decimal.Decimal("0.5")], [0.5]),
    "decimal that is none": (decimal.Decimal("NaN"), None),
    "model": (Model(), {"a": 1}),
    "within each other": ([{"a": np.array([NAN]), "b": {b"c"}}], [{"a": [None], "b": ["Yw=="]}]),
}


@pytest.mark.parametrize(("value", "expected"), VALUES.values(), ids=VALUES.keys())
def test_values_become_valid_json(value: Any, expected: Any) -> None:
    """Whatever models return."""
    status, body, head = encode(value)

    assert (200, expected, b"") == (status, json.loads(body, parse_constant=pytest.fail), head)


UNWRITABLE_VALUES = {
    "anything": object(),
    "anything within": {"a": [object()]},
    "anything beside NaN": [NAN, object()],
    "keys of tuples": {(1, 2): 3},
    "holds itself": RECURSIVE,
}


@pytest.mark.parametrize("value", UNWRITABLE_VALUES.values(), ids=UNWRITABLE_VALUES.keys())
def test_what_json_has_no_word_for_is_an_internal_error(value: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """The log has the reason; the script has not failed."""
    status, body, head = encode(value)

    assert (500, UNWRITABLE, {"failed": False}) == (status, json.loads(body)["message"], json.loads(head))
    assert "Traceback" in capfd.readouterr().err


def test_a_response_keeps_its_status_and_headers() -> None:
    """Several of a name, too."""
    response = flask.Response("a,b", 203, [("X-A", "1"), ("X-A", "2")], mimetype="text/csv")

    status, body, head = encode(response)

    assert (203, b"a,b") == (status, body)
    assert [["X-A", "1"], ["X-A", "2"]] == [one for one in json.loads(head)["headers"] if one[0] == "X-A"]


class RefusalError(Exception):
    """As a script may raise one."""

    def __init__(self, status: Any) -> None:
        super().__init__("no such column")
        self.status = status


RAISED = {
    "anything": (ValueError("a secret"), 500, FAILED),
    "the client's mistake": (RefusalError(422), 422, "no such column"),
    "a status of a success": (RefusalError(200), 500, FAILED),
    "a status of a failure": (RefusalError(503), 500, FAILED),
    "a status that is none": (RefusalError("400"), 500, FAILED),
    "the end": (SystemExit(1), 500, FAILED),
}


@pytest.mark.parametrize(("error", "status", "message"), RAISED.values(), ids=RAISED.keys())
def test_an_exceptions_words_reach_the_client_only_where_it_is_at_fault(
    error: BaseException, status: int, message: str
) -> None:
    """Else they are in the log alone."""
    found, body = refuse(error)

    assert (status, {"message": message}) == (found, json.loads(body))
