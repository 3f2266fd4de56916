"""What the HTTP side says of itself, and when it says that it cannot answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server.running import gunicorn
from tests.serving import wait_until

Serve = Callable[..., Any]

NOT_READY = ["/", "/readyz"]


def test_while_the_model_loads_all_but_liveness_says_so(start: Serve) -> None:
    """With the reason; as soon as it has loaded, requests are answered."""
    server, _ = start(ready=False, LOAD_LATER="yes", WORKER_PRELOAD="false")
    expected = "The model is not ready: the model is loading."
    wait_until(lambda: server.ask("/readyz").message == expected, what="the runner's state")

    score, probe = server.score(n=1), server.ask("/")

    assert (503, expected, "1") == (score.status, score.message, score.headers["retry-after"])
    assert (503, {"message": expected, "state": "loading"}) == (probe.status, probe.value)
    assert (200, b"Healthy") == (server.ask("/livez").status, server.ask("/livez").body)
    server.open_gate("load")
    wait_until(server.is_ready, what="readiness")
    assert 200 == server.score(n=2).status


def test_without_a_runner_nothing_is_ready(amlenv: Path, tmp_path: Path) -> None:
    """It is waited for."""
    with gunicorn(amlenv, tmp_path, tmp_path) as server:
        statuses = [server.ask(path).status for path in ("/", "/readyz", "/livez")]
        score = server.score()

    assert [503, 503, 200] == statuses
    assert (503, "The model is not ready: the model service is starting.") == (score.status, score.message)


def test_a_model_that_cannot_be_loaded_is_told(start: Serve) -> None:
    """The runner has ended by then, and its last word stays."""
    server, runner = start(ready=False, LOAD_LATER="yes", LOAD_FAILURE="no weights", WORKER_PRELOAD="false")
    wait_until(lambda: server.ask("/").message.endswith("the model is loading."), what="the runner's state")

    server.open_gate("load")

    assert 3 == runner.wait()
    wait_until(lambda: server.ask("/").value["state"] == "failed", 5, "the runner's last word")
    assert "The model is not ready: the entry script could not be loaded" in server.score().message


def test_probes_answer_while_the_model_is_busy(start: Serve) -> None:
    """A score that takes long is no ill health."""
    server, _ = start()
    busy = server.later(n="busy", until="free")
    server.wait_scoring("busy")

    assert [200, 200, 200] == [server.ask(path).status for path in ("/", "/readyz", "/livez")]
    server.open_gate("free")
    assert 200 == busy.join().status


def test_without_a_model_requests_wait_for_its_return(start: Serve) -> None:
    """No longer than WORKER_TIMEOUT; readiness is gone meanwhile."""
    server, runner = start(WORKER_TIMEOUT="1")
    assert 0 == runner.stop()
    wait_until(lambda: not server.is_ready(), what="the end of readiness")

    answer = server.score(n=1)

    assert (504, "No answer within 1 s (WORKER_TIMEOUT).") == (answer.status, answer.message)
    assert "The model is not ready: the model service has ended." == server.ask("/readyz").message


def test_a_full_queue_is_a_503_at_once_and_no_ill_health(start: Serve) -> None:
    """With the time after which to try again; what waits is answered in the end."""
    server, _ = start(QUEUE_MAX="2", BATCHING="off")
    busy = server.later(n="busy", until="free")
    server.wait_scoring("busy")
    waiting = [server.later(n=n) for n in (1, 2)]
    assert 200 == server.ask("/livez").status

    refused = server.score(n=3)

    assert (503, "The queue is full: 2 requests wait (QUEUE_MAX).") == (refused.status, refused.message)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "False" == refused.headers["x-ms-run-function-failed"]
    assert [200, 200, 200] == [server.ask(path).status for path in ("/", "/readyz", "/livez")]
    server.open_gate("free")
    assert [200, 200, 200] == [later.join().status for later in (busy, *waiting)]
    assert [["busy"], [1], [2]] == server.scored()


def test_a_queue_is_full_by_bytes_too(start: Serve) -> None:
    """QUEUE_MAX_MB counts the bodies."""
    server, _ = start(QUEUE_MAX_MB="1", MAX_BODY_MB="1", BATCHING="off")
    busy = server.later(n="busy", until="free")
    server.wait_scoring("busy")

    waiting = [server.later(n=n, filling="x" * 25_000) for n in range(42)]

    wait_until(lambda: any(later.is_answered for later in waiting), 5, "a full queue")
    server.open_gate("free")
    assert 200 == busy.join().status
    assert [200] * 41 + [503] == sorted(later.join().status for later in waiting)


def test_slow_bodies_do_not_pass_by_a_full_queue(start: Serve) -> None:
    """Admitted is what is complete: clients that began while there was room are refused when there is none."""
    server, _ = start(QUEUE_MAX="1", BATCHING="off")
    busy = server.later(n="busy", until="free")
    server.wait_scoring("busy")
    slow = [server.connect() for _ in range(4)]
    for peer in slow:
        peer.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
    assert 200 == server.ask("/livez").status

    for peer in slow:
        peer.sendall(b"null")
    assert 200 == server.ask("/livez").status
    server.open_gate("free")
    busy.join()

    statuses = sorted(peer.recv(12)[-3:] for peer in slow)
    for peer in slow:
        peer.close()
    assert [b"200", b"503", b"503", b"503"] == statuses


@pytest.mark.parametrize("path", NOT_READY)
def test_a_probe_that_fails_names_no_more_than_state_and_reason(amlenv: Path, tmp_path: Path, path: str) -> None:
    """No paths, no process ids."""
    with gunicorn(amlenv, tmp_path, tmp_path) as server:
        assert {"message", "state"} == set(server.ask(path).value)
