"""Scripts whose run() is decorated with inference-schema: values by name."""

from __future__ import annotations

from typing import Any

from tests.differential.cases import JSON, get, post, query
from tests.differential.differences import refused

LATIN = ("Content-Type", "application/json; charset=utf-8")
TEXT = ("Content-Type", "text/plain")
SPLIT = {"columns": ["a", "b"], "index": [0, 1], "data": [[1, 0.5], [2, 1.5]]}

NOT_JSON = "POST body could not be decoded as JSON: "
ROWS = "input_data", "a list of lists of numbers, for example [[1.0, 2.0], [3.0, 4.0]]"
FACTOR = "factor", "a number, for example 1.5"
SPLIT_WORDS = (
    "input_data",
    "an object of 'columns' (a list of texts), 'index' (a list of whole numbers), 'data' (a list of lists of numbers), "
    'for example {"columns": ["a", "b"], "index": [0, 1], "data": [[1, 0.5], [2, 1.5]]}',
)
NAME, COUNT = ("name", 'a text, for example "abc"'), ("count", "a whole number, for example 2")
INPUTS = (
    "inputs",
    "an object of 'rows' (a list of lists of whole numbers), 'label' (a text), "
    'for example {"rows": [[1, 2]], "label": "a"}',
)


def misfit(name: str, words: str) -> dict[str, Any]:
    """Return the difference of a value that does not fit."""
    return {
        "differs": "client's mistake",
        "ours": refused(f"The value of {name!r} does not fit: expected {words}."),
    }


ARRAY = (
    post("array", "the sample", {"input_data": [[1, 2], [3, 4]]}),
    post("array", "a row more than the sample's", {"input_data": [[1, 2]] * 3}),
    post("array", "a column more", {"input_data": [[1, 2, 3]]}, **misfit(*ROWS)),
    post("array", "text for numbers", {"input_data": [["a", "b"]]}, **misfit(*ROWS)),
    post("array", "numbers as text", {"input_data": [["1", "2"]]}),
    post("array", "nothing", {"input_data": None}, **misfit(*ROWS)),
    post("array", "no rows", {"input_data": []}, **misfit(*ROWS)),
    post("array", "unequal rows", {"input_data": [[1, 2], [3]]}, **misfit(*ROWS)),
    post("array", "a name more", {"input_data": [[1, 2]], "more": 1}),
    post("array", "another name", {"data": [[1, 2]]}),
    post("array", "an empty object", {}),
    post("array", "a list", [[1, 2]]),
    post("array", "a number", 1),
    post("array", "null", b"null", JSON),
    post("array", "no JSON", b"{bad", JSON),
    post(
        "array",
        "not UTF-8",
        b'{"input_data": [[1, 2]], "a": "\xff"}',
        JSON,
        differs="client's mistake",
        ours=refused(
            f"{NOT_JSON}'utf-8' codec can't decode byte 0xff in position 31: invalid start byte",
        ),
    ),
    post(
        "array",
        "nested too deeply",
        b"[" * 100_000,
        JSON,
        differs="client's mistake",
        ours=refused(
            f"{NOT_JSON}maximum recursion depth exceeded while decoding a JSON array from a unicode string",
        ),
    ),
    post("array", "JSON and more", b'{"input_data": [[1, 2]]} x', JSON),
    post("array", "an empty body", b"", JSON),
    post("array", "a space", b" ", JSON),
    post("array", "an empty body of no type", b""),
    post("array", "no type", b'{"input_data": [[1, 2]]}'),
    post("array", "text", b'{"input_data": [[1, 2]]}', TEXT),
    post("array", "a charset", b'{"input_data": [[1, 2]]}', LATIN),
    post("array", "a type in upper case", b'{"input_data": [[1, 2]]}', ("Content-Type", "APPLICATION/JSON")),
    post("array", "another kind of JSON", b'{"input_data": [[1, 2]]}', ("Content-Type", "application/vnd.a+json")),
    post("array", "JSON's older type", b'{"input_data": [[1, 2]]}', ("Content-Type", "text/json")),
    post("array", "JSON of no tree", b'{"input_data": [[1, 2]]}', ("Content-Type", "text/x+json")),
    post("array", "a byte order mark", b'\xef\xbb\xbf{"input_data": [[1, 2]]}', JSON),
    post("array", "the same name twice", b'{"input_data": [[9, 9]], "input_data": [[1, 2]]}', JSON),
    post("array", "UTF-16", '{"input_data": [[1, 2]]}'.encode("utf-16"), JSON),
    get("array", "a query", "/score?input_data=[[1,2]]"),
    get("array", "an escaped query", query(input_data="[[1, 2], [3, 4]]")),
    get("array", "no query", "/score"),
    get("array", "a query of text", "/score?input_data=abc", **misfit(*ROWS)),
    get("array", "a query of another name", "/score?a=1"),
    get("array", "options", "/score", method="OPTIONS"),
)

FRAME = (
    post("frame", "the sample", {"input_data": SPLIT}),
    post("frame", "a factor", {"input_data": SPLIT, "factor": 2.0}),
    post("frame", "a factor of nothing", {"input_data": SPLIT, "factor": None}, **misfit(*FACTOR)),
    post("frame", "a whole factor", {"input_data": SPLIT, "factor": 2}),
    post("frame", "a factor of text", {"input_data": SPLIT, "factor": "a"}, **misfit(*FACTOR)),
    post("frame", "a header", {"input_data": SPLIT}, JSON, ("x-client", "me")),
    post("frame", "without index", {"input_data": {"columns": ["a", "b"], "data": [[1, 2]]}}),
    post("frame", "a column missing", {"input_data": {"columns": ["a"], "data": [[1]]}}, **misfit(*SPLIT_WORDS)),
    post("frame", "records", {"input_data": [{"a": 1, "b": 2}]}, **misfit(*SPLIT_WORDS)),
    post("frame", "the factor alone", {"factor": 2.0}),
    post("frame", "no rows", {"input_data": {"columns": ["a", "b"], "data": []}}),
    get("frame", "a query", query(input_data='{"columns": ["a", "b"], "data": [[1, 2]]}', factor="3.5")),
)

STANDARD = (
    post("standard", "a name", {"name": "x"}),
    post("standard", "a count", {"name": "x", "count": 2}),
    post("standard", "all", {"name": "x", "count": 2, "options": {"upper": True}}),
    post("standard", "a number for text", {"name": 1}, **misfit(*NAME)),
    post("standard", "text for a number", {"name": "x", "count": "2"}, **misfit(*COUNT)),
    post("standard", "nothing for a number", {"name": "x", "count": None}, **misfit(*COUNT)),
    post("standard", "no name", {"count": 2}),
    post("standard", "an option missing", {"name": "x", "options": {}}),
    post("standard", "text beyond ASCII", {"name": "ä"}),
    get("standard", "a query", "/score?name=x&count=2"),
    get("standard", "a query of numbers", "/score?name=1", **misfit(*NAME)),
    get("standard", "a repeated name", "/score?name=a&name=b", **misfit(*NAME)),
    post("nested", "the sample", {"inputs": {"rows": [[1, 2]], "label": "a"}}),
    post("nested", "a part missing", {"inputs": {"label": "a"}}),
    post("nested", "a list", {"inputs": [1]}, **misfit(*INPUTS)),
)

TABLE = ARRAY + FRAME + STANDARD
