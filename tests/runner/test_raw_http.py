"""The Flask request of ``@rawhttp``, and responses that ``run`` makes itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import flask
import pytest

from puncheon_runner import raw_http
from puncheon_runner.calling import Call, ScriptError
from puncheon_runner.protocol import Request
from puncheon_runner.raw_http import HTTPResponse


@pytest.fixture(autouse=True)
def _raw(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The script has used the decorator."""
    module: Any = ModuleType(raw_http.API)
    module._rawHttpRequested = True
    monkeypatch.setitem(sys.modules, raw_http.API, module)
    yield
    raw_http._application.cache_clear()


def ask(run: Any, body: bytes = b"", **head: Any) -> Any:
    """Call a script for a request."""
    return Call(run)(Request(b"", body, json.dumps(head).encode()))


def test_the_request_is_as_flask_has_it() -> None:
    """Method, path, query, headers, cookies and body."""
    seen = ask(
        lambda request: {
            "method": request.method,
            "path": request.path,
            "query": request.args.to_dict(flat=False),
            "header": request.headers["X-Some"],
            "cookie": request.cookies["a"],
            "type": request.content_type,
            "json": request.get_json(),
            "from": request.remote_addr,
        },
        b'{"a": 1}',
        method="PUT",
        path="/score",
        client="10.0.0.1",
        query="b=%C3%A4&b=2",
        headers=[["x-some", "1"], ["X-Some", "2"], ["cookie", "a=b"], ["content-type", "application/json"]],
    )

    assert {
        "method": "PUT",
        "path": "/score",
        "query": {"b": ["ä", "2"]},
        "header": "1,2",
        "cookie": "b",
        "type": "application/json",
        "json": {"a": 1},
        "from": "10.0.0.1",
    } == seen


def test_the_body_is_bytes_of_any_kind() -> None:
    """A length that the client states wrongly does not count."""
    assert [b"\xff\x00"] == ask(lambda request: [request.get_data()], b"\xff\x00", headers=[["content-length", "1"]])


def test_flasks_own_request_is_the_same() -> None:
    """Within the call, and not after it."""
    assert ask(lambda request: [flask.request.method], method="GET") == ["GET"]
    assert not flask.has_request_context()


def test_headers_may_be_asked_for_beside_it() -> None:
    """By name."""
    assert ["1"] == ask(lambda request, request_headers: [request_headers["X-A"]], headers=[["x-a", "1"]])


def test_a_response_is_read_before_its_context_ends() -> None:
    """Generators may look at the request."""

    def run(request: flask.Request) -> flask.Response:
        return flask.Response(
            (flask.request.method for _ in range(2)), 203, [("X-A", "1"), ("X-A", "2")], mimetype="text/csv"
        )

    response = ask(run, method="GET")

    assert isinstance(response, HTTPResponse)
    assert (203, b"GETGET") == (response.status, response.body)
    assert [("X-A", "1"), ("X-A", "2")] == [header for header in response.headers if header[0] == "X-A"]


@pytest.mark.parametrize("value", [None, "text", {"a": 1}, ("text", 201)], ids=repr)
def test_any_other_value_is_left_as_it_is(value: Any) -> None:
    """It becomes JSON."""
    assert value == ask(lambda request: value)


USES: dict[str, tuple[dict[str, Any], bool]] = {
    "nothing": ({}, False),
    "the package": ({"flask": flask}, True),
    "a function": ({"jsonify": flask.jsonify}, True),
    "a class": ({"Response": flask.Response}, True),
    "a proxy": ({"request": flask.request}, True),
    "an object": ({"answer": flask.Response("")}, True),
    "other packages": ({"json": json, "pytest": pytest, "loads": json.loads, "kind": dict, "n": 1}, False),
}


@pytest.mark.parametrize(("names", "expected"), USES.values(), ids=USES.keys())
def test_a_script_uses_flask_by_what_it_has_imported(names: dict[str, Any], expected: bool) -> None:
    """Not by what some library of its has."""
    assert expected == raw_http.is_used(SimpleNamespace(__name__="score", **names))


def test_an_undecorated_script_that_uses_flask_has_its_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """``request`` is the request, and ``jsonify`` makes its response."""
    monkeypatch.setattr(sys.modules[raw_http.API], "_rawHttpRequested", False)
    call = Call(lambda data: flask.jsonify(data=data, header=flask.request.headers["X-A"]), uses_flask=True)

    response = call(Request(b"", b"a", json.dumps({"headers": [["x-a", "1"]]}).encode()))

    assert ("text", True) == (call.kind, call.needs_head)
    assert {"data": "a", "header": "1"} == json.loads(response.body)


def test_it_does_not_go_with_a_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said when the script is loaded."""
    library: Any = ModuleType("inference_schema.schema_util")
    library.is_schema_decorated = lambda run: True
    monkeypatch.setitem(sys.modules, library.__name__, library)

    with pytest.raises(ScriptError, match="both @rawhttp and @input_schema"):
        Call(lambda request: 0)
