"""Routes, bodies and limits of the running image, on both ports."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.image.running import BOTH_SERVERS, KIT, Running, ask, wait_until

pytestmark = BOTH_SERVERS

PORTS = pytest.mark.parametrize("port", [5000, 31311], ids=["nginx", "gunicorn"])


@PORTS
def test_the_root_says_healthy(service: Running, port: int) -> None:
    """The reference's one probe."""
    answer = ask(service.url("/", port))

    assert (200, "Healthy") == (answer.status, answer.text)


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_answer_on_nginx(service: Running, path: str) -> None:
    """Liveness and readiness have routes of their own."""
    assert 200 == ask(service.url(path)).status


@PORTS
@pytest.mark.parametrize(
    "body",
    [
        KIT / "input_example.json",
        KIT / "artifacts/iris_model/input_example.json",
        KIT / "artifacts/iris_model/serving_input_example.json",
    ],
    ids=["kit's input_data", "MLflow's input_example", "MLflow's serving_input_example"],
)
def test_saved_examples_are_scored(service: Running, port: int, body: Path) -> None:
    """Each saved form of the example gives one class for each row."""
    answer = ask(service.url("/score", port), body.read_bytes())

    assert 200 == answer.status, answer.text
    assert all(isinstance(value, int) for value in json.loads(answer.text))


@PORTS
def test_get_without_input_says_what_is_expected(service: Running, port: int) -> None:
    """GET /score is a route; without a query it is the client's mistake."""
    answer = ask(service.url("/score", port))

    assert 400 == answer.status
    assert "input_data" in json.loads(answer.text)["message"]


@PORTS
def test_options_and_swagger(service: Running, port: int) -> None:
    """OPTIONS /score and /swagger.json are there."""
    assert 200 == ask(service.url("/score", port), method="OPTIONS").status
    assert "/score" in json.loads(ask(service.url("/swagger.json", port)).text)["paths"]


@pytest.mark.parametrize("body", [b"{bad", b"", b"\xff\xfe", b"[]", b"{}", b'{"input_data": 7}'], ids=repr)
def test_garbage_is_a_400_in_json(service: Running, body: bytes) -> None:
    """A body that is no input is the client's mistake, and the message says what would be one."""
    answer = ask(service.url("/score"), body, method="POST")

    assert 400 == answer.status, answer.text
    assert json.loads(answer.text)["message"]


def test_a_body_over_the_limit_is_a_413_in_json(service: Running) -> None:
    """101 MiB are refused by nginx with its limit in the message, and the next request is answered."""
    answer = ask(service.url("/score"), b" " * (101 * 2**20))

    assert answer.status in (0, 413)  # the connection may be closed while the client still sends
    assert "" == answer.text or "MAX_BODY_MB" in answer.text or answer.status == 0
    assert 200 == ask(service.url("/")).status


def test_a_large_body_within_the_limit_is_answered(service: Running) -> None:
    """90 MiB of padding around the example pass."""
    body = (KIT / "input_example.json").read_bytes() + b" " * (90 * 2**20)

    assert 200 == ask(service.url("/score"), body).status


def test_the_callers_request_id_comes_back(service: Running) -> None:
    """An id that the caller sends is the answer's; without one nginx makes it."""
    named = ask(service.url("/score"), b"{}", x_request_id="abc-1")
    unnamed = ask(service.url("/score"), b"{}")

    assert "abc-1" == named.headers["x-request-id"]
    assert unnamed.headers["x-request-id"]


def test_while_the_server_is_down_nginx_answers_json(start: Callable[..., Running], image: str) -> None:
    """Alive at once, not ready until the model is: `/livez` 200, `/readyz` and `/` 503, `/score` 502, all at nginx."""
    running = start(image, files={"/var/mlflow_resources/mlflow_score_script.py": SLOW_TO_LOAD})

    wait_until(lambda: running.address and ask(running.url("/livez")).status == 200, what="liveness")
    answers = {path: ask(running.url(path)) for path in ("/readyz", "/")}

    assert {"/readyz": 503, "/": 503} == {path: answer.status for path, answer in answers.items()}
    assert all("not ready" in json.loads(answer.text)["message"] for answer in answers.values())


SLOW_TO_LOAD = """
import time

def init():
    time.sleep(20)

def run(data):
    return data
"""
