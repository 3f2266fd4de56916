"""Asking a real worker, as the build's proof does."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from puncheon.proof.workers import ask, state
from tests.runner.running import SCRIPTS, Runner, run

OK = b'{"do": "answer", "value": 1}'


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    """One worker that may let requests share a call."""
    with run(SCRIPTS / "faulty.py", tmp_path, BATCHING="on") as one:
        one.until_ready()
        yield one


def test_answers_come_in_the_order_of_the_requests(runner: Runner) -> None:
    """Whatever the order in which they were known."""
    bodies = [b'{"do": "answer", "value": %d, "key": "%d"}' % (number, number % 3) for number in range(30)]

    answered = ask(str(runner.worker_socket(0)), bodies, 5)

    assert list(range(30)) == [json.loads(answer.body) for answer in answered.answers]
    assert 30 == answered.shared


def test_what_was_answered_alone_is_not_counted_as_shared(runner: Runner) -> None:
    """A key of its own, no key, or no neighbours."""
    bodies = [OK, OK, b'{"do": "answer", "key": "other"}', b'{"do": "answer", "alone": true}']

    assert 2 == ask(str(runner.worker_socket(0)), bodies, 5).shared
    assert 0 == ask(str(runner.worker_socket(0)), [OK], 5).shared
    assert 0 == ask(str(runner.worker_socket(0)), [b"{bad", b"{bad"], 5).shared


def test_large_bodies_and_answers_arrive(runner: Runner) -> None:
    """Larger than any buffer on the way."""
    body = json.dumps({"do": "answer", "value": "x" * 5_000_000}).encode()

    answered = ask(str(runner.worker_socket(0)), [body, OK], 5)

    assert [5_000_002, 1] == [len(answer.body) for answer in answered.answers]


def test_a_worker_that_dies_leaves_the_rest_unanswered(runner: Runner) -> None:
    """What it has answered counts; nothing is waited for."""
    answered = ask(str(runner.worker_socket(0)), [OK, b'{"do": "kill", "alone": true}'], 60)

    assert [0] == [answer.place for answer in answered.answers]


def test_a_hanging_request_ends_with_its_limit(runner: Runner) -> None:
    """The worker ends itself."""
    assert () == ask(str(runner.worker_socket(0)), [b'{"do": "hold the GIL"}'], 0.3).answers


def test_no_worker_is_an_error(tmp_path: Path) -> None:
    """Of the operating system's kind."""
    with pytest.raises(FileNotFoundError):
        ask(str(tmp_path / "nothing.sock"), [OK], 1)


def test_the_runner_tells_its_state(runner: Runner) -> None:
    """The newest one."""
    told = state(runner.control)

    assert ("ready", True, False, "") == (told["state"], told["batching"], told["preload"], told["not_preloaded"])
    assert [(0, True)] == [(worker["slot"], worker["ready"]) for worker in told["workers"]]


@pytest.mark.parametrize(
    ("sent", "expected"), [(b'{"state": "loading"}\n{"state": "ready"}\n', "ready"), (b"", None), (b'{"sta', None)]
)
def test_of_two_states_the_last_counts_and_none_is_an_error(tmp_path: Path, sent: bytes, expected: str | None) -> None:
    """A runner that has just become ready, and one that has just ended."""
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(sent)

        server = threading.Thread(target=serve)
        server.start()
        try:
            if expected is None:
                with pytest.raises(OSError, match="was closed"):
                    state(path)
            else:
                assert expected == state(path)["state"]
        finally:
            server.join()


def test_who_asks_is_named_to_the_supervisor(runner: Runner) -> None:
    """If the worker dies of it."""
    ask(str(runner.worker_socket(0)), [b'{"do": "leave"}'], 5)
    worker = runner.until(lambda state: state["workers"][0]["deaths"] == 1)["workers"][0]

    assert {"client": os.getpid(), "frame": 1, "requests": [0]} == worker["last_death"]["scoring"]
