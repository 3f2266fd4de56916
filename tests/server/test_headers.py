"""Request ids and the headers of answers, as azureml-inference-server-http has them."""

from __future__ import annotations

import re

import pytest

from puncheon_server.headers import Ids, answer_headers, read_ids
from puncheon_server.jobs import Result, refusal

UUID = re.compile(rb"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
VERSION = b"puncheon/1.2.3"


def ids_of(**values: str) -> Ids:
    """Read ids from headers; ``x_request_id`` stands for ``x-request-id``."""
    return read_ids([(name.replace("_", "-").encode(), value.encode()) for name, value in values.items()])


ECHOED = {
    "none": ({}, None, None, None),
    "request": ({"x_request_id": "A"}, "A", "A", None),
    "deprecated": ({"x_ms_request_id": "B"}, None, "B", "B"),
    "client": ({"x_ms_client_request_id": "C"}, None, "C", "C"),
    "deprecated and client": ({"x_ms_request_id": "B", "x_ms_client_request_id": "C"}, None, "B", "C"),
    "all": ({"x_request_id": "A", "x_ms_request_id": "B", "x_ms_client_request_id": "C"}, "A", "B", "C"),
}


@pytest.mark.parametrize(("given", "request_id", "ms_id", "client_id"), ECHOED.values(), ids=ECHOED.keys())
def test_ids_are_echoed_as_the_reference_does(
    given: dict[str, str], request_id: str | None, ms_id: str | None, client_id: str | None
) -> None:
    """What is not given is made up (a UUID), or follows from the others, or is absent."""
    headers = {name: value.decode() for name, value in ids_of(**given).headers()}

    made_up = headers[b"x-request-id"]
    assert (request_id or made_up, ms_id or made_up, client_id) == (
        headers[b"x-request-id"],
        headers[b"x-ms-request-id"],
        headers.get(b"x-ms-client-request-id"),
    )
    assert request_id or UUID.fullmatch(made_up.encode())


def test_two_requests_without_an_id_get_different_ones() -> None:
    """So that a log line belongs to one of them."""
    assert ids_of().request != ids_of().request


@pytest.mark.parametrize("value", ["", "00-ab-01"], ids=["absent", "given"])
def test_a_trace_is_echoed(value: str) -> None:
    """TraceId goes back as it came, and only where it came."""
    headers = dict(ids_of(traceid=value).headers())

    assert (value.encode() or None) == headers.get(b"TraceId")


FAULTS = {
    "longest": ({"x_request_id": "a" * 100, "x_ms_request_id": "b" * 100, "x_ms_client_request_id": "c" * 100}, None),
    "request": ({"x_request_id": "a" * 101}, "x-request-id must not exceed 100 characters"),
    "deprecated": (
        {"x_ms_request_id": "a" * 101},
        "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters",
    ),
    "client": (
        {"x_ms_client_request_id": "a" * 101},
        "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters",
    ),
}


@pytest.mark.parametrize(("given", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_an_id_has_at_most_100_characters(given: dict[str, str], expected: str | None) -> None:
    """A longer one is named."""
    assert expected == ids_of(**given).fault


@pytest.mark.parametrize(("text", "expected"), [("0", 0), ("17", 17), ("-1", -1), ("1e3", -1), ("", -1)], ids=repr)
def test_a_length_that_is_no_number_is_unknown(text: str, expected: int) -> None:
    """The HTTP parser has refused most of them before."""
    assert expected == ids_of(content_length=text).length


ANSWERS: dict[str, tuple[Result, dict[bytes, bytes | None]]] = {
    "scored": (
        Result(200, b"[1]", 0.0123456),
        {b"x-ms-run-function-failed": b"False", b"x-ms-run-fn-exec-ms": b"12.346", b"retry-after": None},
    ),
    "refused by the script": (
        Result(422, b"{}", 0.001),
        {b"x-ms-run-function-failed": b"False", b"x-ms-run-fn-exec-ms": b"1.000"},
    ),
    "failed": (
        Result(500, b"{}", 0.5),
        {b"x-ms-run-function-failed": b"True", b"x-ms-run-fn-exec-ms": None},
    ),
    "timed out": (
        refusal(504, "Scoring timeout after 5 ms"),
        {b"x-ms-run-function-failed": b"True", b"x-ms-run-fn-exec-ms": None},
    ),
    "never scored": (
        refusal(503, "The queue is full.", 7),
        {b"x-ms-run-function-failed": b"False", b"x-ms-run-fn-exec-ms": None, b"retry-after": b"7"},
    ),
}


@pytest.mark.parametrize(("result", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_says_whether_the_model_failed_and_how_long_it_took(
    result: Result, expected: dict[bytes, bytes | None]
) -> None:
    """The time only where the script returned; 503 is no failure of its."""
    headers = dict(answer_headers(ids_of(x_request_id="A"), result, VERSION))

    assert expected == {name: headers.get(name) for name in expected}


def test_every_answer_is_json_of_a_stated_length_by_a_named_server() -> None:
    """Content type, length, version and ids stand in all of them."""
    headers = dict(answer_headers(ids_of(x_request_id="A"), Result(200, b"[1, 2]", 0.1), VERSION))

    assert {
        b"content-type": b"application/json",
        b"content-length": b"6",
        b"x-request-id": b"A",
        b"x-ms-request-id": b"A",
        b"x-ms-server-version": VERSION,
    }.items() <= headers.items()
