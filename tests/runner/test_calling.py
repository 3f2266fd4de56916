"""How ``run`` is called for a request, by its parameters and decorators."""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import Any

import pytest

from puncheon_runner.calling import Call, RefusedError, ScriptError
from puncheon_runner.protocol import Request


def request(body: bytes = b"", *headers: tuple[str, str], method: str = "POST", query: str = "") -> Request:
    """Return a request as it comes with its head."""
    return Request(b"", body, json.dumps({"method": method, "query": query, "headers": headers}).encode())


@pytest.mark.parametrize("body", ["", "{bad", '{"a": 1}', "ä"], ids=repr)
def test_the_body_is_text_whatever_it_is(body: str) -> None:
    """For the script to judge; it need not be told anything else."""
    call = Call(lambda data: [data])

    assert [body] == call(Request(b"", body.encode()))
    assert ("text", False) == (call.kind, call.needs_head)


def test_what_is_no_text_is_refused() -> None:
    """As the client's mistake."""
    with pytest.raises(RefusedError, match="Input cannot be decoded as UTF-8: ") as told:
        Call(lambda data: data)(Request(b"", b"\xff"))

    assert 400 == told.value.status


def test_a_second_parameter_keeps_its_default() -> None:
    """There is nothing to give it."""
    assert ["a", 2] == Call(lambda data, more=2: [data, more])(Request(b"", b"a"))


HEADERS = {
    "title case": ([("x-ms-2nd-name", "1")], {"X-Ms-2Nd-Name": "1"}),
    "several of a name": ([("x-a", "1"), ("X-A", "2")], {"X-A": "1,2"}),
    "none": ([], {}),
}


@pytest.mark.parametrize(("headers", "expected"), HEADERS.values(), ids=HEADERS.keys())
def test_headers_are_a_dict_as_flask_spells_them(headers: list[tuple[str, str]], expected: dict[str, str]) -> None:
    """For a run() that asks for them by name, wherever the parameter stands."""
    call = Call(lambda request_headers, data: [data, request_headers])

    assert ["a", expected] == call(request(b"a", *headers))
    assert call.needs_head


def _positional(data: Any, /) -> None: ...


REFUSED = {
    "no parameter": (lambda: 0, r"run\(\) needs a parameter for the input data"),
    "headers alone": (lambda request_headers: 0, r"needs a parameter for the input data beside request_headers"),
    "any number": (lambda *data: 0, r"cannot accept positional-only arguments, \*args, or \*\*kwargs"),
    "any names": (lambda data, **more: 0, "cannot accept"),
    "positional only": (_positional, "cannot accept"),
}


@pytest.mark.parametrize(("run", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_a_run_that_cannot_be_called_is_no_script(run: Any, told: str) -> None:
    """Said when it is loaded."""
    with pytest.raises(ScriptError, match=told):
        Call(run)


@pytest.fixture
def decorated(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let every function look as if inference-schema had decorated it."""
    library: Any = ModuleType("inference_schema.schema_util")
    library.is_schema_decorated = lambda run: True
    library.get_input_schema = lambda run: {"type": "object"}
    library.get_output_schema = lambda run: {"type": "array"}
    library.get_supported_versions = lambda run: ["3.1", "2"]
    monkeypatch.setitem(sys.modules, library.__name__, library)
    return library


JSON = ("content-type", "application/json")


def test_values_are_given_by_name(decorated: Any) -> None:
    """Those that are missing have their default, those that nobody asks for are left out."""
    call = Call(lambda a, b=2: [a, b])

    assert [1, 2] == call(request(b'{"a": 1, "more": 3}', JSON))
    assert [1, None] == call(request(b'{"a": 1, "b": null}', JSON))
    assert "values" == call.kind
    assert {"input": {"type": "object"}, "output": {"type": "array"}, "versions": ["2", "3.1"]} == call.schemas()


TYPES = {
    "application/json": True,
    "APPLICATION/JSON": True,
    "application/json; charset=utf-8": True,
    "application/vnd.a+json": True,
    "text/json": False,
    "text/x+json": False,
    "application/jsonl": False,
    "text/plain": False,
    "": False,
}


@pytest.mark.parametrize(("kind", "taken"), TYPES.items(), ids=repr)
def test_values_come_as_json(decorated: Any, kind: str, taken: bool) -> None:
    """By the type that the client states."""
    call = Call(lambda a: a)

    if taken:
        assert 1 == call(request(b'{"a": 1}', ("content-type", kind)))
        return
    with pytest.raises(RefusedError, match="Expects Content-Type to be application/json") as told:
        call(request(b'{"a": 1}', ("content-type", kind)))
    assert 415 == told.value.status


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_querys_values_need_no_type(decorated: Any, method: str) -> None:
    """It is JSON by our own making."""
    assert 1 == Call(lambda a: a)(request(b'{"a": 1}', method=method))


def test_a_worker_that_is_asked_directly_needs_no_type(decorated: Any) -> None:
    """As by the proof, which sends no head."""
    assert 1 == Call(lambda a: a)(Request(b"", b'{"a": 1}'))


UNFIT = {
    "nothing": (b"", "POST body is empty. Expecting a JSON dictionary."),
    "no JSON": (b"{bad", "POST body could not be decoded as JSON: Expecting property name"),
    "no text": (b'"\xff"', "POST body could not be decoded as JSON: 'utf-8' codec"),
    "too deep": (b"[" * 100_000, "POST body could not be decoded as JSON: maximum recursion"),
    "no object": (b"[1]", "POST body should be a JSON dictionary."),
    "a value missing": (b'{"b": 1}', "A value is not provided for the 'a' parameter."),
}


@pytest.mark.parametrize(("body", "told"), UNFIT.values(), ids=UNFIT.keys())
def test_a_body_that_gives_no_values_is_refused(decorated: Any, body: bytes, told: str) -> None:
    """With the reference's words."""
    with pytest.raises(RefusedError) as refused:
        Call(lambda a: a)(request(body, JSON))

    assert str(refused.value).startswith(told)
    assert 400 == refused.value.status


def test_an_error_of_the_scripts_own_passes_through(decorated: Any) -> None:
    """Only what is raised while values are read is the client's mistake."""
    with pytest.raises(ZeroDivisionError):
        Call(lambda a: a / 0)(request(b'{"a": 1}', JSON))
