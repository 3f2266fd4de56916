"""A query as a request: ``GET /score?name=value``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from puncheon_server.asgi import query_as_json

QUERIES: dict[str, tuple[bytes, dict[str, Any]]] = {
    "the reference's own": (b"a=1&b=x&c=1&c=[2]&d=null", {"a": 1, "b": "x", "c": [1, [2]], "d": None}),
    "none": (b"", {}),
    "a blank value": (b"a=", {"a": ""}),
    "escaped": (b"input_data=%5B%5B5.1%2C3.5%5D%5D", {"input_data": [[5.1, 3.5]]}),
    "a plus is a space": (b"a=x+y", {"a": "x y"}),
    "text beyond ASCII": ("a=%C3%A4&b=ö".encode(), {"a": "ä", "b": "ö"}),
    "no UTF-8": (b"a=%ff", {"a": "%FF"}),
    "nested too deeply to be read": (b"a=" + b"[" * 5000, {"a": "[" * 5000}),
}


@pytest.mark.parametrize(("query", "expected"), QUERIES.values(), ids=QUERIES.keys())
def test_a_query_becomes_a_json_object(query: bytes, expected: dict[str, Any]) -> None:
    """Values that are JSON are parsed, others are text, and a repeated name is a list."""
    assert expected == json.loads(query_as_json(query))


def test_a_query_of_any_depth_becomes_text_at_worst() -> None:
    """There is a depth that can be read and not be written again."""
    for depth in range(1, 1500):
        text = "[" * depth + "]" * depth
        assert query_as_json(f"a={text}".encode()).startswith(b'{"a": ')
