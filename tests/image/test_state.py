"""Truth about state: what the probes say while the model loads, after it failed to load, and without a live worker."""

from __future__ import annotations

from typing import Any

import pytest

from tests.image.running import Running, ask, wait_until
from tests.image.scripted import Start, pids, said, score, send_signal, start_scripted

PORTS = (5000, 31311)


def probes(running: Running) -> dict[tuple[int, str], Any]:
    """Return status, and state where it is told, of each probe on each port."""
    answers = {(port, path): ask(running.url(path, port)) for port in PORTS for path in ("/", "/readyz", "/livez")}
    return {
        probe: (answer.status, said(answer)["state"], said(answer)["message"])
        if answer.text.startswith("{")
        else (answer.status, answer.text)
        for probe, answer in answers.items()
    }


def expected(ready: tuple[object, ...]) -> dict[tuple[int, str], Any]:
    """Return what probes say when `/` and `/readyz` say this, and the container lives."""
    return {
        (port, path): (200, "Healthy") if path == "/livez" else ready
        for port in PORTS
        for path in ("/", "/readyz", "/livez")
    }


READY = (200, "Healthy")


@pytest.mark.parametrize("preload", ["true", "false"], ids=["preloaded", "loaded by the worker"])
def test_while_the_model_loads_it_is_alive_and_not_ready(start: Start, image: str, preload: str) -> None:
    """503 with the reason until a request would be answered, then 200; a request is a 503 too."""
    environment = {"INIT": '{"sleep": 6}', "WORKER_PRELOAD": preload}
    running = start_scripted(start, image, environment)
    wait_until(lambda: running.address and "is loading" in ask(running.url("/")).text, what="word of the model service")

    loading = probes(running)
    early = score(running, n=1)
    running.wait_ready()

    assert expected((503, "loading", "The model is not ready: the model is loading.")) == loading
    assert (503, "The model is not ready: the model is loading.") == (early.status, said(early)["message"])
    assert early.headers["retry-after"]
    assert expected(READY) == probes(running)
    assert 200 == score(running, n=2).status


@pytest.mark.parametrize("preload", ["true", "false"], ids=["preloaded", "loaded by the worker"])
def test_a_module_that_is_missing_is_named_with_what_to_do(start: Start, image: str, preload: str) -> None:
    """The container ends with exit code 3; its last lines are the traceback's, the hint, and the reason."""
    environment = {"INIT": '{"import": "shap"}', "WORKER_PRELOAD": preload}
    running = start_scripted(start, image, environment)

    assert 3 == running.exit_code()
    lines = [line for line in running.log().splitlines() if not line.startswith("puncheon: model worker ")]
    assert [
        "ModuleNotFoundError: No module named 'shap'",
        "puncheon: module 'shap' is missing from conda.yaml",
    ] == lines[-3:-1]
    assert lines[-1].startswith("puncheon: stopped, because model ended after ")
    assert "exit code 3, the model or its entry script could not be loaded" in lines[-1]


@pytest.mark.parametrize("preload", ["true", "false"], ids=["preloaded", "loaded by the worker"])
def test_a_model_that_loads_for_too_long_ends_the_container(start: Start, image: str, preload: str) -> None:
    """After LOAD_TIMEOUT, at the first try; the log says where it stood, the last line why."""
    environment = {"INIT": '{"sleep": 600}', "LOAD_TIMEOUT": "2", "WORKER_PRELOAD": preload}
    running = start_scripted(start, image, environment)

    assert 6 == running.exit_code()
    assert 1 == running.log().count("in init\n")
    assert "the model was not loaded within 2 s, LOAD_TIMEOUT" in running.log().splitlines()[-1]


def test_without_a_live_worker_it_is_not_ready(start: Start, image: str) -> None:
    """503 with the reason while the only worker is replaced by one that loads for long; then 200 again."""
    environment = {"WORKER_PRELOAD": "false", "WORKER_COUNT": "1", "INIT_AGAIN": '{"sleep": 5}'}
    running = start_scripted(start, image, environment)
    running.wait_ready()

    send_signal(running, "KILL", pids(running, "model worker")[0])
    wait_until(lambda: ask(running.url("/")).status == 503, limit_s=3, what="the loss")
    without = probes(running)
    running.wait_ready()

    assert expected((503, "loading", "The model is not ready: a new model worker is being started.")) == without
    assert expected(READY) == probes(running)


def test_one_live_worker_is_enough(start: Start, image: str) -> None:
    """200 while one of two workers is replaced, and requests are answered."""
    environment = {"WORKER_PRELOAD": "false", "WORKER_COUNT": "2", "INIT_AGAIN": '{"sleep": 2}'}
    running = start_scripted(start, image, environment)
    wait_until(lambda: running.log().count("model loaded in") == 2, what="two workers")
    running.wait_ready()

    send_signal(running, "KILL", pids(running, "model worker")[0])

    assert expected(READY) == probes(running)
    assert 200 == score(running, n=1).status


def test_a_model_that_cannot_be_loaded_again_ends_the_container(start: Start, image: str) -> None:
    """Without preload each new worker loads it; after CRASH_LIMIT failures the container ends, traceback and all."""
    environment = {"WORKER_PRELOAD": "false", "WORKER_COUNT": "1", "INIT_AGAIN": '{"fail": "the weights have gone"}'}
    running = start_scripted(start, image, environment)
    running.wait_ready()

    send_signal(running, "KILL", pids(running, "model worker")[0])

    assert 3 == running.exit_code()
    assert 3 == running.log().count("RuntimeError: the weights have gone")
    assert "could not be loaded" in running.log().splitlines()[-1]


def test_without_the_model_service_it_is_alive_and_not_ready(start: Start, image: str) -> None:
    """`sv down model`: 503 with the reason, and 200 once it is up again."""
    running = start_scripted(start, image)
    running.wait_ready()

    running.execute("sv", "down", "model")
    wait_until(lambda: ask(running.url("/")).status == 503, limit_s=3, what="the loss")
    down = probes(running)
    running.execute("sv", "up", "model")
    running.wait_ready()

    assert expected((503, "loading", "The model is not ready: the model service has ended.")) == down
    assert 200 == score(running, n=1).status
