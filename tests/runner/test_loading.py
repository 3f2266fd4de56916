"""Who loads the entry script, when, and what happens where it cannot be loaded, in a real runner."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.runner.running import OK, PRELOAD, SCRIPTS, Start

FAULTY = SCRIPTS / "faulty.py"


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
