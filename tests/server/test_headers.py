"""Request ids and the headers of answers, as azureml-inference-server-http has them."""

from __future__ import annotations

import json
import re

import pytest

from puncheon_server.headers import Ids, answer_headers, read_ids, read_version
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


@pytest.mark.parametrize("value", [None, "", "00-ab-01"], ids=["absent", "empty", "given"])
def test_a_trace_is_echoed(value: str | None) -> None:
    """TraceId goes back as it came, and only where it came."""
    headers = dict(ids_of(**({} if value is None else {"traceid": value})).headers())

    assert (None if value is None else value.encode()) == headers.get(b"TraceId")


def test_several_of_a_name_are_one() -> None:
    """As in WSGI, which the reference speaks."""
    assert b"A,B" == read_ids([(b"x-request-id", b"A"), (b"x-request-id", b"B")]).request


def test_what_is_too_long_is_replaced_and_the_trace_stays() -> None:
    """A request id that is not the one stays, too."""
    kept = ids_of(x_request_id="A", x_ms_request_id="b" * 101, traceid="T").without_faults()
    made_up = ids_of(x_request_id="a" * 101).without_faults()

    assert [(b"x-request-id", b"A"), (b"x-ms-request-id", b"A"), (b"TraceId", b"T")] == kept.headers()
    assert UUID.fullmatch(made_up.request)


VERSIONS = {
    "as it is": ({}, "puncheon/1.2.3"),
    "empty": ({"SERVER_VERSION_LOG_RESPONSE_ENABLED": ""}, "puncheon/1.2.3"),
    "wanted": ({"SERVER_VERSION_LOG_RESPONSE_ENABLED": "True"}, "puncheon/1.2.3"),
    "not wanted": ({"SERVER_VERSION_LOG_RESPONSE_ENABLED": "false"}, ""),
    "anything else": ({"SERVER_VERSION_LOG_RESPONSE_ENABLED": "1"}, ""),
}


@pytest.mark.parametrize(("environ", "expected"), VERSIONS.values(), ids=VERSIONS.keys())
def test_the_version_is_told_unless_it_is_not_wanted(environ: dict[str, str], expected: str) -> None:
    """An empty one is no header."""
    version = read_version({"PUNCHEON_VERSION": "1.2.3", **environ})

    assert expected == version
    assert bool(expected) == (
        b"x-ms-server-version" in dict(answer_headers(ids_of(), Result(200, b""), version.encode()))
    )


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


def head(*headers: tuple[str, str], **more: bool) -> bytes:
    """Return what the runner says of an answer beside its body."""
    return json.dumps({"headers": headers, **more} if headers else more).encode()


def test_a_scripts_headers_stand_in_place_of_ours() -> None:
    """But for ids, length and version; several of a name stay several, and no word of failure is added."""
    result = Result(
        201, b"ab", 0.1, head=head(("X-A", "1"), ("X-A", "2"), ("X-Request-Id", "theirs"), ("Content-Length", "9"))
    )

    headers = answer_headers(ids_of(x_request_id="A"), result, VERSION)

    assert [(b"x-a", b"1"), (b"x-a", b"2"), (b"x-request-id", b"A")] == headers[:3]
    assert [b"2"] == [value for name, value in headers if name == b"content-length"]
    assert b"content-type" not in dict(headers)
    assert b"x-ms-run-function-failed" not in dict(headers)


@pytest.mark.parametrize(("status", "said"), [(499, b"maybe"), (500, b"True"), (503, b"True")])
def test_a_failure_that_the_script_answers_itself_is_one(status: int, said: bytes) -> None:
    """Whatever it says of it."""
    result = Result(status, b"", 0.1, head=head(("x-ms-run-function-failed", "maybe")))

    headers = answer_headers(ids_of(), result, VERSION)

    assert [said] == [value for name, value in headers if name == b"x-ms-run-function-failed"]


def test_a_value_that_cannot_be_sent_is_no_failure_of_the_script() -> None:
    """Which has returned."""
    headers = dict(answer_headers(ids_of(), Result(500, b"{}", 0.1, head=head(failed=False)), VERSION))

    assert (b"False", None) == (headers[b"x-ms-run-function-failed"], headers.get(b"x-ms-run-fn-exec-ms"))


@pytest.mark.parametrize(("status", "stated"), [(200, True), (204, False), (304, False), (404, True)])
def test_what_has_no_body_has_no_length(status: int, stated: bool) -> None:
    """RFC 9110, 8.6."""
    headers = dict(answer_headers(ids_of(), Result(status, b"", 0.1, head=head(("a", "b"))), VERSION))

    assert stated == (b"content-length" in headers)


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
