"""Routes, statuses and headers on gunicorn's own port, where no nginx stands before."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.server.running import Gunicorn

MIB = 1 << 20


def test_a_body_reaches_the_script_as_text(server: Gunicorn) -> None:
    """Whatever its type, JSON or not; the answer is the script's value as JSON, with its time."""
    answer = server.ask(body='{"a": "ä"}'.encode(), content_type="text/plain")

    assert (200, '{"a": "ä"}') == (answer.status, answer.value["got"])
    assert "application/json" == answer.headers["content-type"]
    assert re.fullmatch(r"\d+\.\d{3}", answer.headers["x-ms-run-fn-exec-ms"])
    assert "False" == answer.headers["x-ms-run-function-failed"]


@pytest.mark.parametrize("body", ["", "{bad", "null", " "], ids=repr)
def test_any_text_is_the_scripts_to_judge(server: Gunicorn, body: str) -> None:
    """An empty body, too."""
    answer = server.ask(body=body)

    assert (200, body) == (answer.status, answer.value["got"])


def test_a_body_that_is_no_text_is_a_400(server: Gunicorn) -> None:
    """It never reaches the script."""
    answer = server.ask(body=b"\xff\xfe")

    assert 400 == answer.status
    assert answer.message.startswith("Input cannot be decoded as UTF-8: ")


def test_a_query_is_a_request(server: Gunicorn) -> None:
    """As JSON; the body of a GET is ignored."""
    answer = server.ask("/score?a=1&b=x&c=1&c=[2]&d=null", "ignored", method="GET")

    assert (200, {"a": 1, "b": "x", "c": [1, [2]], "d": None}) == (answer.status, json.loads(answer.value["got"]))


def test_options_of_a_score_are_empty(server: Gunicorn) -> None:
    """The script is not called."""
    before = server.scored()

    answer = server.ask(method="OPTIONS")

    assert (200, b"", "text/html; charset=utf-8") == (answer.status, answer.body, answer.headers["content-type"])
    assert before == server.scored()


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/readyz", "text/html; charset=utf-8"),
        ("/livez", "text/plain; charset=utf-8"),
    ],
)
def test_probes_say_healthy(server: Gunicorn, path: str, type_: str) -> None:
    """The word that the reference's probe looks for."""
    answer = server.ask(path)

    assert (200, b"Healthy", type_) == (answer.status, answer.body, answer.headers["content-type"])


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/swagger.json"])
def test_head_is_get_without_a_body(server: Gunicorn, path: str) -> None:
    """Same status, same length stated, nothing sent."""
    head, get = server.ask(path, method="HEAD"), server.ask(path)

    assert (get.status, b"") == (head.status, head.body)
    assert get.headers["content-length"] == head.headers["content-length"]


def test_head_of_a_score_is_get_without_a_body(server: Gunicorn) -> None:
    """The script answers its query."""
    head, get = server.ask("/score?a=1", method="HEAD"), server.ask("/score?a=1")

    assert (get.status, b"") == (head.status, head.body)
    assert get.headers["content-length"] == head.headers["content-length"]
    assert "x-ms-run-fn-exec-ms" in head.headers


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/swagger.json", "/score"])
def test_a_slash_at_the_end_changes_nothing(server: Gunicorn, path: str) -> None:
    """Clients and gateways add one."""
    without, slashed = server.ask(f"{path}?version=3"), server.ask(f"{path}/?version=3")

    assert (200, without.status) == (slashed.status, without.status)
    assert without.headers["content-type"] == slashed.headers["content-type"]


ELSEWHERE = {
    "unknown": ("GET", "/nothing", 404),
    "two slashes": ("POST", "/score//", 404),
    "upper case": ("POST", "/SCORE", 404),
    "MLflow's own": ("POST", "/invocations", 404),
    "post to the probe": ("POST", "/", 405),
    "delete the probe": ("DELETE", "/", 405),
    "put a score": ("PUT", "/score", 405),
    "head of nothing": ("HEAD", "/nothing", 404),
    "post a description": ("POST", "/swagger.json", 405),
}


@pytest.mark.parametrize(("method", "path", "status"), ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_other_routes_and_methods_are_told_in_json(server: Gunicorn, method: str, path: str, status: int) -> None:
    """With a message and the caller's id."""
    answer = server.ask(path, b"" if method == "POST" else None, method, x_request_id="mine")

    assert (status, "application/json", "mine") == (
        answer.status,
        answer.headers["content-type"],
        answer.headers["x-request-id"],
    )
    assert method == "HEAD" or {"message"} == set(answer.value)


@pytest.mark.parametrize(("query", "key"), [("", "swagger"), ("?version=3", "openapi"), ("?version=3.1", "openapi")])
def test_the_routes_are_described(server: Gunicorn, query: str, key: str) -> None:
    """In the version that is asked for."""
    answer = server.ask(f"/swagger.json{query}")

    assert (200, True) == (answer.status, key in answer.value)


def test_a_version_that_there_is_not_is_a_404(server: Gunicorn) -> None:
    """The message names those that there are."""
    answer = server.ask("/swagger.json?version=4")

    message = "Swagger version [4] is not valid. Supported versions: [2, 3, 3.1]."
    assert (404, message) == (answer.status, answer.message)


ROUTES = {
    "score": ("/score", "{}"),
    "query": ("/score", None),
    "probe": ("/", None),
    "description": ("/swagger.json", None),
    "unknown": ("/nothing", None),
}


@pytest.mark.parametrize(("path", "body"), ROUTES.values(), ids=ROUTES.keys())
def test_ids_and_version_are_on_every_answer(server: Gunicorn, path: str, body: str | None) -> None:
    """Echoed where they came, made up where not."""
    given = {"x_request_id": "A", "x_ms_client_request_id": "C", "traceid": "T"}

    echoed, made_up = server.ask(path, body, **given).headers, server.ask(path, body).headers

    assert {"x-request-id": "A", "x-ms-request-id": "C", "x-ms-client-request-id": "C", "traceid": "T"} == {
        name: echoed[name] for name in ("x-request-id", "x-ms-request-id", "x-ms-client-request-id", "traceid")
    }
    assert "puncheon/1.2.3" == echoed["x-ms-server-version"]
    assert 36 == len(made_up["x-request-id"])
    assert made_up["x-request-id"] == made_up["x-ms-request-id"]
    assert not {"x-ms-client-request-id", "traceid"} & set(made_up)


LONG = "a" * 101


@pytest.mark.parametrize("path", ["/score", "/", "/nothing"])
def test_a_request_id_that_is_too_long_is_a_431_and_not_echoed(server: Gunicorn, path: str) -> None:
    """The answer is found in the log by an id of its own."""
    answer = server.ask(path, x_request_id=LONG, x_ms_client_request_id="C")

    assert (431, "x-request-id must not exceed 100 characters") == (answer.status, answer.message)
    assert 36 == len(answer.headers["x-request-id"])
    assert not {"x-ms-client-request-id"} & set(answer.headers)


@pytest.mark.parametrize("path", ["/score", "/", "/nothing"])
@pytest.mark.parametrize("name", ["x_ms_request_id", "x_ms_client_request_id"])
def test_another_id_that_is_too_long_is_a_431_with_the_request_id(server: Gunicorn, path: str, name: str) -> None:
    """Of the ids the good one stays."""
    answer = server.ask(path, x_request_id="A", **{name: LONG})

    message = "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters"
    assert (431, message, "A") == (answer.status, answer.message, answer.headers["x-request-id"])
    assert "x-ms-client-request-id" not in answer.headers


def test_the_largest_body_is_taken(server: Gunicorn) -> None:
    """MAX_BODY_MB itself is still allowed."""
    answer = server.ask(body=b"x" * MIB)

    assert (200, MIB) == (answer.status, len(answer.value["got"]))


def chunks(size: int) -> Any:
    """A body without a length."""
    return (b"x" * min(65536, size - at) for at in range(0, size, 65536))


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])
def test_a_larger_body_is_a_413(server: Gunicorn, chunked: bool) -> None:
    """With the limit and the setting's name, whether or not the length is stated; the server goes on."""
    body = chunks(MIB + 1) if chunked else b"x" * (MIB + 1)

    answer = server.ask(body=body, x_request_id="mine")

    assert (413, "The request body is larger than 1 MiB (MAX_BODY_MB).") == (answer.status, answer.message)
    assert "mine" == answer.headers["x-request-id"]
    assert 200 == server.ask(body="{}").status


def test_a_failing_script_is_a_500_without_details(start: Any) -> None:
    """The traceback is in the runner's log, with the request's id."""
    one, runner = start()

    answer = one.ask(body='{"until": 5}', x_request_id="mine")

    assert (500, "True") == (answer.status, answer.headers["x-ms-run-function-failed"])
    assert "An unexpected error occurred in scoring script. Check the logs for more info." == answer.message
    assert "x-ms-run-fn-exec-ms" not in answer.headers
    assert "request mine: the entry script failed\nTraceback" in runner.log
