"""An entry script that does what a request asks of it: ``{"do": "sleep"}``, ``{"do": "kill"}``, …  Python 3.7."""

from __future__ import annotations

import ctypes
import gc
import json
import multiprocessing
import os
import re
import signal
import sys
import time

_state = {}


def init():
    """Take as long as SLOW_LOAD_S says, and note which process loads."""
    time.sleep(float(os.environ.get("SLOW_LOAD_S", "0")))
    _state["loaded_by"] = os.getpid()
    print("loaded by", os.getpid(), flush=True)


def run(data):
    """Do one thing."""
    request = json.loads(data)
    return ACTIONS[request["do"]](request)


def prepare(data):
    """Requests share a call unless they say so; one that is to hang here does."""
    request = json.loads(data)
    if request.get("prepare"):
        ACTIONS[request["prepare"]](request)
    return None if request.get("alone") else request.get("key", ""), data, request.get("rows", 1)


def prepare_parsed(value):
    """Take what has been parsed as what was sent."""
    return prepare(json.dumps(value))


def run_batch(items):
    """Answer several."""
    return [run(item) for item in items]


def _loop(request):
    while True:
        pass


def _raise(request):
    raise ValueError("no such customer")


def _refuse(request):
    error = ValueError("the age is missing")
    error.status = 422
    raise error


def _let_child_live(request):
    """Fork a process that outlives this one, then hang."""
    if os.fork() == 0:
        time.sleep(5)
        os._exit(0)
    time.sleep(600)


def _sleep(runs):
    runs.set()
    time.sleep(600)


def _end_a_child(request):
    """Answer how a process of multiprocessing's ends that is told to."""
    fork = multiprocessing.get_context("fork")
    runs = fork.Event()
    child = fork.Process(target=_sleep, args=(runs,))
    child.start()
    runs.wait()
    child.terminate()
    child.join(10)
    return child.exitcode


def _describe(request):
    return {
        "pid": os.getpid(),
        "loaded_by": _state["loaded_by"],
        "frozen": gc.get_freeze_count(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "python": "{}.{}".format(*sys.version_info),
    }


ACTIONS = {
    "answer": lambda request: request.get("value"),
    "describe": _describe,
    "raise": _raise,
    "refuse": _refuse,
    "kill": lambda request: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda request: sys.exit(7),
    "leave": lambda request: os._exit(8),
    "segfault": lambda request: ctypes.string_at(0),
    "abort": lambda request: os.abort(),
    "loop": _loop,
    "sleep": lambda request: time.sleep(600),
    "catastrophic regex": lambda request: re.match(r"(a+)+$", "a" * 64 + "b"),
    "hold the GIL": lambda request: ctypes.PyDLL(None).sleep(600),
    "stop": lambda request: os.kill(os.getpid(), signal.SIGSTOP),
    "end a child": _end_a_child,
    "let child live": _let_child_live,
}
