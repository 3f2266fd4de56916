"""Returns, or raises, what the request names."""

import datetime
import decimal
import sys
import uuid

import numpy
import pandas

RECURSIVE = []
RECURSIVE.append(RECURSIVE)
FRAME = pandas.DataFrame({"a": [1, 2], "b": [0.5, float("nan")]})
VALUES = {
    "none": None,
    "true": True,
    "whole": 7,
    "large": 2**80,
    "real": 0.1,
    "tiny": 1e-300,
    "nan": float("nan"),
    "infinities": [float("inf"), float("-inf")],
    "nan within": {"a": [1.0, float("nan")]},
    "text": "text",
    "empty text": "",
    "json text": '{"a": 1}',
    "text beyond ASCII": "ä€😀\u2028",
    "surrogate": "\ud800",
    "controls": "\x00\x1f\t\n\"\\",
    "list": [1, "a", None],
    "empty list": [],
    "tuple": (1, (2, 3)),
    "object": {"b": 1, "a": {"c": []}},
    "whole keys": {1: "a", None: "b", True: "c", 0.5: "d"},
    "tuple keys": {(1, 2): 3},
    "bytes": b"abc",
    "set": {1},
    "frame": FRAME,
    "series": pandas.Series([1, 2]),
    "array": numpy.array([[1, 2], [3, 4]]),
    "array with gaps": numpy.array([1.5, float("nan")]),
    "scalar": numpy.float64(0.5),
    "numpy whole": numpy.int64(3),
    "numpy in a list": [numpy.float32(0.5)],
    "moment": datetime.datetime(2024, 1, 2, 3, 4, 5),
    "date": datetime.date(2024, 1, 2),
    "decimal": decimal.Decimal("0.5"),
    "uuid": uuid.UUID(int=1),
    "anything": object,
    "holds itself": RECURSIVE,
}


class Refusal(Exception):
    status = 422


def init():
    pass


def run(data):
    name = data.strip()
    if name == "raise":
        raise ValueError("a secret of the model")
    if name == "raise without words":
        raise Exception
    if name == "refuse":
        raise Refusal("the column 'a' is missing")
    if name == "exit":
        sys.exit(1)
    if name == "interrupt":
        raise KeyboardInterrupt
    return VALUES[name]
