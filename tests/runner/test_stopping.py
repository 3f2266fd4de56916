"""The end of a runner, and connections that come and go."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import Any

import pytest

from tests.runner.running import OK, SCRIPTS, Start
from tests.serving import wait_until

FAULTY = SCRIPTS / "faulty.py"


AT_WORK: dict[str, dict[str, Any]] = {
    "idle": {"request": OK, "variables": {}},
    "hanging": {"request": {"do": "hold the GIL"}, "variables": {}},
    "loading": {"request": None, "variables": {"SLOW_LOAD_S": "600"}},
    "preloaded": {"request": OK, "variables": {"WORKER_PRELOAD": "true"}},
}


@pytest.mark.parametrize("at_work", AT_WORK.values(), ids=AT_WORK.keys())
def test_sigterm_ends_everything(start: Start, at_work: dict[str, Any]) -> None:
    """Exit code 0; no process and no socket is left, whatever the workers are at."""
    runner = start(WORKER_COUNT="2", **at_work["variables"])
    if at_work["request"] is None:
        wait_until(lambda: len(runner.processes()) == 3)
        assert 0 == runner.stop()
    else:
        runner.until_ready()
        with runner.connect() as peer:
            runner.send_on(peer, at_work["request"])
            assert 0 == runner.stop()

    assert [] == runner.processes()
    assert [] == list(runner.control.parent.glob("*.sock"))


def test_sigterm_ends_a_runner_that_is_preloading(start: Start) -> None:
    """By the signal itself: there is nothing yet that wants an order."""
    runner = start(["import time", "print('at it', flush=True)", "time.sleep(600)"], WORKER_PRELOAD="true")
    wait_until(lambda: "at it" in runner.log)

    assert -signal.SIGTERM == runner.stop()
    assert [] == runner.processes()


def test_the_frame_at_hand_is_answered_before_the_end(start: Start) -> None:
    """SIGTERM to a worker that is scoring."""
    runner = start(
        ["import os, signal", "def init(): pass", "def run(data): os.kill(os.getpid(), signal.SIGTERM); return data"]
    )
    runner.until_ready()

    assert {0: (200, '"a"'), 1: (200, '"b"')} == runner.send("a", "b")


def test_a_frame_whose_sizes_do_not_add_up_costs_its_connection_alone(start: Start) -> None:
    """The worker lives, and serves others."""
    runner = start()
    runner.until_ready()

    with runner.connect() as peer:
        peer.sendall(bytes.fromhex("00000008 0001 0000 00000001 00000001 00000001 0005 0000 00000005"))
        peer.settimeout(5)
        assert b"" == peer.recv(1)

    assert 1 == runner.value(OK)
    assert 0 == runner.worker()["deaths"]


def test_connections_come_and_go(start: Start) -> None:
    """Many at a time, some cut off in the middle of a frame or before their answer."""
    runner = start()
    runner.until_ready()

    with ExitStack() as stack:
        for at in range(100):
            peer = stack.enter_context(runner.connect())
            if at % 3 == 0:
                peer.sendall(b"\x00\x00")
            elif at % 3 == 1:
                runner.send_on(peer, OK)

    assert 1 == runner.value(OK)
    assert 0 == runner.worker()["deaths"]
