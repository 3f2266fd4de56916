"""Workers that die or hang, in a real runner."""

from __future__ import annotations

import os
import signal

import pytest

from tests.runner.running import OK, SCRIPTS, Start
from tests.serving import wait_until

FAULTY = SCRIPTS / "faulty.py"


FAULTS = {
    "killed": ("kill", "signal 9"),
    "ends without clean-up": ("leave", "exit code 8"),
    "segfaults": ("segfault", "signal 11"),
    "aborts": ("abort", "signal 6"),
    "loops in Python": ("loop", "timeout"),
    "sleeps": ("sleep", "timeout"),
    "is caught in a regular expression": ("catastrophic regex", "timeout"),
    "holds the GIL in C": ("hold the GIL", "timeout"),
    "is stopped": ("stop", "signal 9"),
}


@pytest.mark.parametrize(("action", "why"), FAULTS.values(), ids=FAULTS.keys())
def test_a_worker_that_a_request_ends_is_replaced(start: Start, action: str, why: str) -> None:
    """The control socket tells why it ended and at which request; what was answered before stays answered."""
    runner = start()
    pid = runner.until_ready()["workers"][0]["pid"]

    answers = runner.send(OK, {"do": action}, OK, limit_s=0.5)
    runner.until(lambda state: state["workers"][0]["ready"] and state["workers"][0]["pid"] != pid)

    assert {0: (200, 1)} == answers
    worker = runner.worker()
    assert 1 == worker["deaths"]
    scoring = {"client": os.getpid(), "frame": 1, "requests": [1]}
    assert {"pid": pid, "why": why, "scoring": scoring} == worker["last_death"]
    assert f"worker 0 (process {pid}) ended: {why}" in runner.log
    assert 1 == runner.value(OK)


def test_a_script_that_exits_fails_for_its_own_request(start: Start) -> None:
    """As with the reference, its process lives on."""
    runner = start()
    pid = runner.until_ready()["workers"][0]["pid"]

    answers = runner.send(OK, {"do": "exit"}, OK)

    assert [200, 500, 200] == [answers[place][0] for place in range(3)]
    assert pid == runner.until_ready()["workers"][0]["pid"]


def test_a_hang_leaves_in_the_log_where_it_stood(start: Start) -> None:
    """The traceback of all threads, as faulthandler writes it."""
    runner = start()
    runner.until_ready()

    runner.send({"do": "loop"}, limit_s=0.3)
    runner.until(lambda state: state["workers"][0]["deaths"] == 1)

    assert f'File "{FAULTY}", line' in runner.log
    assert "in _loop" in runner.log


def test_of_a_shared_call_all_requests_are_named(start: Start) -> None:
    """Which of them hangs is not known; those of another call are not among them."""
    runner = start(BATCHING="on")
    runner.until_ready()

    answers = runner.send(OK, {"do": "answer", "key": "b"}, {"do": "sleep"}, OK, {"do": "refuse"}, limit_s=0.5)
    state = runner.until(lambda state: state["workers"][0]["deaths"] == 1)

    assert {} == answers
    assert [0, 2, 3, 4] == state["workers"][0]["last_death"]["scoring"]["requests"]


def test_a_request_that_hangs_while_it_is_read_takes_its_frame_along(start: Start) -> None:
    """The timer is started once for reading them all."""
    runner = start(BATCHING="on")
    runner.until_ready()

    runner.send(OK, {"do": "answer", "prepare": "hold the GIL"}, OK, limit_s=0.5)
    state = runner.until(lambda state: state["workers"][0]["deaths"] == 1)

    assert "timeout" == state["workers"][0]["last_death"]["why"]
    assert [0, 1, 2] == state["workers"][0]["last_death"]["scoring"]["requests"]


def test_no_request_is_named_where_none_was_being_scored(start: Start) -> None:
    """A worker that is killed while it is idle."""
    runner = start()
    pid = runner.until_ready()["workers"][0]["pid"]
    runner.value(OK)
    wait_until(lambda: runner.sleeps(pid))

    os.kill(pid, signal.SIGKILL)
    state = runner.until(lambda state: state["workers"][0]["deaths"] == 1)

    assert {"pid": pid, "why": "signal 9", "scoring": None} == state["workers"][0]["last_death"]


def test_a_stopped_worker_is_replaced(start: Start) -> None:
    """It would answer nobody, and its timer stands still with it."""
    runner = start()
    pid = runner.until_ready()["workers"][0]["pid"]

    os.kill(pid, signal.SIGSTOP)
    runner.until(lambda state: state["workers"][0]["ready"] and state["workers"][0]["pid"] != pid)

    assert 1 == runner.value(OK)


def test_a_connection_that_is_not_accepted_yet_outlives_its_worker(start: Start) -> None:
    """The listening socket is the runner's: whoever connects in between is served by the next worker."""
    runner = start(SLOW_LOAD_S="0.5")
    pid = runner.until_ready()["workers"][0]["pid"]
    os.kill(pid, signal.SIGKILL)
    runner.until(lambda state: not state["workers"][0]["ready"])

    assert pid != runner.value({"do": "describe"})["pid"]


def test_the_connection_ends_with_its_worker_also_where_a_child_lives_on(start: Start) -> None:
    """A process that the script forked does not hold the HTTP side's connection open."""
    runner = start()
    runner.until_ready()
    peer = runner.connect()

    with peer:
        runner.send_on(peer, {"do": "let child live"}, limit_s=0.3)
        runner.until(lambda state: state["workers"][0]["deaths"] == 1)
        peer.settimeout(2)
        assert b"" == peer.recv(1)


def test_processes_that_a_script_forks_can_be_ended(start: Start) -> None:
    """They do not inherit how a worker takes SIGTERM."""
    runner = start()
    runner.until_ready()

    assert -signal.SIGTERM == runner.value({"do": "end a child"})


def test_other_workers_answer_while_one_hangs(start: Start) -> None:
    """Each has a socket and a process of its own."""
    runner = start(WORKER_COUNT="2")
    runner.until_ready()

    with runner.connect(0) as peer:
        runner.send_on(peer, {"do": "sleep"}, limit_s=20)
        assert 1 == runner.value(OK, slot=1)
    assert [0, 0] == [worker["deaths"] for worker in runner.state["workers"]]


def test_a_worker_says_when_it_is_loading_again(start: Start) -> None:
    """Ready, then not ready with the reason, then ready."""
    runner = start(SLOW_LOAD_S="0.2")
    pid = runner.until_ready()["workers"][0]["pid"]
    os.kill(pid, signal.SIGKILL)
    runner.until(lambda state: state["workers"][0]["ready"] and state["workers"][0]["pid"] != pid)

    told = [(state["state"], state["reason"]) for state in runner.told]
    assert [
        ("loading", "the model is loading"),
        ("ready", ""),
        ("loading", "a new model worker is being started"),
        ("ready", ""),
    ] == [one for at, one in enumerate(told) if at == 0 or told[at - 1] != one]


def test_many_deaths_in_a_row_are_survived(start: Start) -> None:
    """A worker that loads well is replaced however often it dies."""
    runner = start(WORKER_PRELOAD="true", CRASH_LIMIT="2")
    runner.until_ready()

    for death in range(1, 8):
        runner.send({"do": "leave"})
        runner.until(lambda state, death=death: state["workers"][0]["ready"] and state["workers"][0]["deaths"] == death)  # type: ignore[misc]

    assert 1 == runner.value(OK)


@pytest.mark.parametrize("warm_up", ["run_batch([1])", "pass"], ids=["warmed up", "not warmed up"])
def test_rows_that_take_their_time_are_not_taken_for_a_hang(start: Start, warm_up: str) -> None:
    """Many requests at once, whose shared call takes longer than any before it, and longer than the limit of one."""
    runner = start(
        [
            "import time",
            "def init(): pass",
            "def run(data): return run_batch([data])[0]",
            "def run_batch(items): time.sleep(0.05 * len(items)); return list(items)",
            f"def warm_up(): {warm_up}",
        ],
        BATCHING="on",
    )
    runner.until_ready()

    runner.send(1)
    answers = runner.send(*range(60), limit_s=1.5)

    assert 60 == len(answers)
    assert 0 == runner.worker()["deaths"]


def test_workers_that_die_for_no_request_end_the_runner(start: Start) -> None:
    """CRASH_LIMIT in a row, each soon after its start: with an exit code of its own."""
    runner = start(WORKER_PRELOAD="true", CRASH_LIMIT="2")
    first = runner.until_ready()["workers"][0]["pid"]

    os.kill(first, signal.SIGKILL)
    second = runner.until(lambda state: state["workers"][0]["ready"] and state["workers"][0]["pid"] != first)
    os.kill(second["workers"][0]["pid"], signal.SIGKILL)

    assert 7 == runner.wait()
    assert [] == runner.processes()


@pytest.mark.parametrize("do", ["leave", "answer"])
def test_a_worker_that_has_scored_begins_the_count_anew(start: Start, do: str) -> None:
    """Whatever ended it, at work or after it: it could live."""
    runner = start(WORKER_PRELOAD="true", CRASH_LIMIT="2")

    for death, is_idle in enumerate([True, False, True], 1):
        pid = runner.until_ready()["workers"][0]["pid"]
        if is_idle:
            os.kill(pid, signal.SIGKILL)
        elif do == "leave":
            runner.send({"do": "leave"})
        else:
            runner.value(OK)
            os.kill(pid, signal.SIGKILL)
        runner.until(lambda state, death=death: state["workers"][0]["ready"] and state["workers"][0]["deaths"] == death)  # type: ignore[misc]

    assert 1 == runner.value(OK)
