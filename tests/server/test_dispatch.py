"""Who shares a call, and what becomes of requests whose worker dies: gunicorn before a real runner."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.server.running import Gunicorn, Later
from tests.serving import wait_until

Serve = Callable[..., Any]


def wait_behind(server: Gunicorn, *requests: dict[str, Any]) -> tuple[Later, list[Later]]:
    """Keep the only worker busy until the gate ``free`` opens; let requests wait meanwhile."""
    busy = server.later(n="busy", until="free")
    server.wait_scoring("busy")
    waiting = [server.later(**request) for request in requests]
    assert 200 == server.ask("/livez").status
    return busy, waiting


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"n": n} for n in range(count)]


SHARES = {
    "batching": ({}, [["busy"], [0, 1, 2, 3]]),
    "off": ({"BATCHING": "off"}, [["busy"], [0], [1], [2], [3]]),
    "two rows at most": ({"BATCH_MAX_ROWS": "2"}, [["busy"], [0, 1], [2, 3]]),
    "two bodies at most": ({"BATCH_MAX_BYTES": "17"}, [["busy"], [0, 1], [2, 3]]),
}


@pytest.mark.parametrize(("settings", "expected"), SHARES.values(), ids=SHARES.keys())
def test_what_has_arrived_while_the_worker_was_busy_shares_the_next_call(
    start: Serve, settings: dict[str, str], expected: list[list[Any]]
) -> None:
    """Up to the limits; each gets its own answer."""
    server, _ = start(**settings)
    busy, waiting = wait_behind(server, *numbered(4))

    server.open_gate("free")

    assert [f'{{"n": {n}}}' for n in range(4)] == [later.join().value["got"] for later in waiting]
    assert 200 == busy.join().status
    assert expected == server.scored()


def test_a_request_that_ends_its_worker_twice_is_the_one_that_fails(start: Serve) -> None:
    """The others of its call are scored again, and answered."""
    server, _ = start()
    busy, waiting = wait_behind(server, {"n": 0}, {"n": "bad", "end": 7}, {"n": 2})

    server.open_gate("free")

    good, bad, other = (later.join() for later in waiting)
    assert (200, 500, 200) == (good.status, bad.status, other.status)
    assert "The model's process ended while it scored this request (exit code 7)." == bad.message
    assert "True" == bad.headers["x-ms-run-function-failed"]
    assert 200 == busy.join().status


def test_a_request_that_hangs_is_a_504_and_the_others_are_answered(start: Serve) -> None:
    """After SCORING_TIMEOUT_MS, by a new worker."""
    server, runner = start(SCORING_TIMEOUT_MS="400", WORKER_TIMEOUT="10")
    first = runner.worker()["pid"]
    busy, waiting = wait_behind(server, {"n": 0}, {"n": "hangs", "loop": True}, {"n": 2})

    server.open_gate("free")

    good, hanging, other = (later.join() for later in waiting)
    assert (200, 504, 200) == (good.status, hanging.status, other.status)
    assert "Scoring timeout after 400 ms" == hanging.message
    assert first != other.value["pid"]
    assert 200 == busy.join().status


def test_a_worker_that_is_killed_loses_no_request(start: Serve) -> None:
    """The one that it was scoring is scored again."""
    server, runner = start()
    busy, waiting = wait_behind(server, *numbered(2))

    os.kill(runner.worker()["pid"], signal.SIGKILL)
    server.open_gate("free")

    assert [200, 200, 200] == [later.join().status for later in (busy, *waiting)]


def test_without_retry_a_request_is_scored_once(start: Serve) -> None:
    """RETRY=off: what a worker died with fails, what had only waited is answered."""
    server, runner = start(RETRY="off", BATCHING="off")
    busy, waiting = wait_behind(server, {"n": 0})

    os.kill(runner.worker()["pid"], signal.SIGKILL)

    assert (500, 200) == (busy.join().status, waiting[0].join().status)
    assert [["busy"], [0]] == server.scored()


def test_several_workers_score_at_once(start: Serve) -> None:
    """One that is busy holds up none but its own."""
    server, _ = start(WORKER_COUNT="2", BATCHING="off")
    busy = server.later(n="busy", until="free")
    server.wait_scoring("busy")

    answers = [server.score(n=n) for n in range(5)]

    assert {200} == {answer.status for answer in answers}
    assert not busy.is_answered
    server.open_gate("free")
    assert busy.join().value["pid"] not in {answer.value["pid"] for answer in answers}


def test_several_http_workers_share_the_model(start: Serve) -> None:
    """Each is connected to each; all requests are answered, whoever accepts them."""
    server, runner = start(HTTP_WORKERS="3", WORKER_COUNT="2")

    answers = [later.join() for later in [server.later(n=n) for n in range(60)]]

    assert [f'{{"n": {n}}}' for n in range(60)] == [answer.value["got"] for answer in answers]
    assert {worker["pid"] for worker in runner.state["workers"]} == {answer.value["pid"] for answer in answers}


def test_an_http_worker_that_is_killed_is_replaced(start: Serve) -> None:
    """What has connected meanwhile waits for the new one, and none of it is refused."""
    server, _ = start()
    (first,) = children(server.process.pid)

    os.kill(first, signal.SIGKILL)
    wait_until(lambda: first not in children(server.process.pid), what="the end of the HTTP worker")
    later = [server.later(n=n) for n in range(20)]

    assert {200} == {one.join().status for one in later}


def test_what_was_accepted_is_answered_before_the_end(start: Serve) -> None:
    """SIGTERM: no new connection, the old request's answer, exit code 0."""
    server, _ = start()
    busy, waiting = wait_behind(server, {"n": 0})

    server.process.terminate()
    wait_until(lambda: not server.answers(), what="the end of listening")
    server.open_gate("free")

    assert [200, 200] == [busy.join().status, waiting[0].join().status]
    assert 0 == server.process.wait(30)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:  # noqa: PTH123
        return [int(word) for word in file.read().split()]
