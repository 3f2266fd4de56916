"""Workers that die, hang or cannot load, in a real runner."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.runner.running import SCRIPTS, Runner, run, write_script
from tests.serving import wait_until

FAULTY = SCRIPTS / "faulty.py"
PRELOAD = {"preloaded": "true", "loaded by each worker": "false"}
OK = {"do": "answer", "value": 1}

Start = Callable[..., Runner]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a runner, with an entry script (or its lines) and settings."""
    with ExitStack() as stack:

        def start_one(script: Path | list[str] = FAULTY, **variables: str) -> Runner:
            path = script if isinstance(script, Path) else write_script(tmp_path, *script)
            return stack.enter_context(run(path, tmp_path, **variables))

        yield start_one


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


@pytest.mark.parametrize("preload", PRELOAD.values(), ids=PRELOAD.keys())
def test_a_script_that_forks_while_it_loads_becomes_ready(start: Start, preload: str) -> None:
    """What its child has inherited does not keep the supervisor waiting."""
    runner = start(
        [
            "import os, time",
            "def init():",
            "    if os.fork() == 0:",
            "        time.sleep(60)",
            "def run(data): return 1",
        ],
        WORKER_PRELOAD=preload,
    )
    runner.until_ready()

    assert 1 == runner.value({})


@pytest.mark.parametrize("preload", PRELOAD.values(), ids=PRELOAD.keys())
def test_who_loads(start: Start, preload: str) -> None:
    """The runner once, or each worker itself; the garbage collector leaves alone what is loaded."""
    runner = start(WORKER_COUNT="2", WORKER_PRELOAD=preload, WORKER_THREADS="3")
    state = runner.until_ready()

    workers = [runner.value({"do": "describe"}, slot=slot) for slot in range(2)]

    assert (preload == "true") == state["preload"]
    assert [worker["pid"] for worker in state["workers"]] == [worker["pid"] for worker in workers]
    loaded_by = [worker["loaded_by"] for worker in workers]
    assert loaded_by == ([runner.process.pid] * 2 if preload == "true" else [worker["pid"] for worker in workers])
    assert all(worker["frozen"] > 1000 for worker in workers)
    assert ["3", "3"] == [worker["threads"] for worker in workers]


def test_a_preloaded_worker_is_replaced_at_once(start: Start) -> None:
    """A fork, and not another load."""
    runner = start(WORKER_PRELOAD="true", SLOW_LOAD_S="3")
    pid = runner.until_ready()["workers"][0]["pid"]

    os.kill(pid, signal.SIGKILL)
    runner.until(lambda state: state["workers"][0]["ready"] and state["workers"][0]["pid"] != pid, limit_s=1)

    assert 1 == runner.value(OK, limit_s=1)


UNSAFE = {
    "a Python thread": (
        [
            "import threading, time",
            "threading.Thread(target=time.sleep, args=(60,), name='poller', daemon=True).start()",
        ],
        "the loaded model runs threads (poller), and a fork takes only one along",
    ),
    "an open connection": (
        ["import socket", "global link", "link = socket.socketpair()"],
        "the loaded model has a connection open (to a database, another program), which workers cannot share",
    ),
    "threads, in another working folder": (
        [
            "import os, threading, time",
            "os.chdir('/')",
            "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        ],
        "the loaded model runs threads (Thread-1",
    ),
}


@pytest.mark.parametrize(("lines", "reason"), UNSAFE.values(), ids=UNSAFE.keys())
def test_what_no_fork_survives_is_not_forked(start: Start, lines: list[str], reason: str) -> None:
    """Each worker loads, with its own number of threads, and the reason is told and logged."""
    script = [
        "import os",
        "def init():",
        *(f"    {line}" for line in lines),
        "def run(data): return [os.getppid(), os.environ['OMP_NUM_THREADS']]",
    ]
    runner = start(script, WORKER_PRELOAD="true", WORKER_THREADS="2")
    state = runner.until_ready()

    assert not state["preload"]
    assert state["not_preloaded"].startswith(reason)
    assert f"puncheon: {state['not_preloaded']}: each worker loads the model itself" in runner.log
    assert [runner.process.pid, "2"] == runner.value({})


UNLOADABLE = {
    "raises": (["raise ValueError('no weights')"], "ValueError: no weights"),
    "is no Python": (["def init(:"], "SyntaxError"),
    "lacks run()": (["def init(): pass"], "has no function run()"),
    "lacks a module": (["import not_there"], "puncheon: module 'not_there' is missing from conda.yaml"),
    "fails in init()": (["def init(): raise OSError('disk')", "def run(data): pass"], "OSError: disk"),
    "exits in init()": (["def init(): raise SystemExit(0)", "def run(data): pass"], "SystemExit: 0"),
}


@pytest.mark.parametrize("preload", PRELOAD.values(), ids=PRELOAD.keys())
@pytest.mark.parametrize(("lines", "log"), UNLOADABLE.values(), ids=UNLOADABLE.keys())
def test_a_script_that_cannot_be_loaded_ends_the_runner(start: Start, lines: list[str], log: str, preload: str) -> None:
    """Exit code 3 at the first attempt, with the traceback's last lines in the log."""
    runner = start(lines, WORKER_PRELOAD=preload)

    assert 3 == runner.wait()
    assert log in "\n".join(runner.log.splitlines()[-3:])
    assert [] == runner.processes()


def test_an_absent_script_is_told_with_what_is_there(start: Start, tmp_path: Path) -> None:
    """The variables that name it, and the folder's content."""
    (tmp_path / "score.py").touch()

    runner = start(tmp_path / "main.py")

    assert 3 == runner.wait()
    assert "(AZUREML_ENTRY_SCRIPT, below AML_APP_ROOT)" in runner.log
    assert "score.py" in runner.log


def test_the_last_state_of_a_runner_that_cannot_load_is_failed(start: Start) -> None:
    """With the reason, before the connection ends."""
    runner = start(["import time", "time.sleep(0.5)", "raise ValueError"])

    state = runner.last_words()

    assert ("failed", "the entry script could not be loaded; its traceback is in the log", []) == (
        state["state"],
        state["reason"],
        state["workers"],
    )


def test_workers_that_are_killed_while_they_load_end_the_runner(start: Start) -> None:
    """After CRASH_LIMIT of them, with an exit code of its own."""
    runner = start(["import os, time", "time.sleep(0.2)", "os.kill(os.getpid(), 9)"], CRASH_LIMIT="2")

    state = runner.last_words()

    assert 5 == runner.wait()
    assert 2 == runner.log.count("ended: signal 9")
    assert ("failed", "the workers die while they load the model: signal 9") == (state["state"], state["reason"])
    assert [] == runner.processes()


def test_a_worker_that_loads_for_too_long_is_ended(start: Start) -> None:
    """After LOAD_TIMEOUT seconds, with an exit code of its own and no second try; the log says where it stood."""
    runner = start(SLOW_LOAD_S="600", LOAD_TIMEOUT="1")

    state = runner.last_words()

    assert 6 == runner.wait()
    assert "the model was not loaded in time; the log says where it stood" == state["reason"]
    assert f'File "{FAULTY}", line' in runner.log


def test_a_preloading_runner_that_loads_for_too_long_ends_itself(start: Start) -> None:
    """By SIGALRM, which its service knows; the log says where it stood."""
    runner = start(SLOW_LOAD_S="600", LOAD_TIMEOUT="1", WORKER_PRELOAD="true")

    assert -signal.SIGALRM == runner.wait()
    assert f'File "{FAULTY}", line' in runner.log


def test_the_time_to_load_does_not_run_on(start: Start) -> None:
    """A worker that is idle for longer than LOAD_TIMEOUT lives."""
    runner = start(["import time", "def init(): pass", "def run(data): time.sleep(1.5)"], LOAD_TIMEOUT="1")
    runner.until_ready()

    assert {} == runner.value({})
    assert 0 == runner.worker()["deaths"]


def test_a_failing_warm_up_is_left_out(start: Start) -> None:
    """A line in the log, and the model serves."""
    script = ["def init(): pass", "def run(data): return 1", "def warm_up(): raise ValueError('no example')"]
    runner = start(script)
    runner.until_ready()

    assert 1 == runner.value({})
    assert "puncheon: the warm-up failed and is left out: no example" in runner.log


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


def test_many_deaths_in_a_row_are_survived(start: Start) -> None:
    """A worker that loads well is replaced however often it dies."""
    runner = start(WORKER_PRELOAD="true", CRASH_LIMIT="2")
    runner.until_ready()

    for death in range(1, 8):
        runner.send({"do": "leave"})
        runner.until(lambda state, death=death: state["workers"][0]["ready"] and state["workers"][0]["deaths"] == death)  # type: ignore[misc]

    assert 1 == runner.value(OK)


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
