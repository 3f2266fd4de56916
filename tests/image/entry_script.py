"""The entry script that tests put into containers: each request says what becomes of it.

A request is a JSON object: ``n`` is its name, the other keys are what it does before it answers (see ``act``).  Every
call is noted in /tmp/scored, as a line with the names of its requests.
"""

import ctypes
import importlib
import json
import os
import time
from pathlib import Path

SCORED = Path("/tmp/scored")
LOADED = Path("/tmp/loaded")


def init():
    """Do what INIT says, and INIT_AGAIN from the second time on."""
    act(json.loads(os.environ.get("INIT_AGAIN" if LOADED.exists() else "INIT") or "{}"))
    LOADED.touch()


def run(data):
    return run_batch([data])[0]


def run_batch(items):
    requests = [json.loads(item) for item in items]
    with SCORED.open("a") as file:
        file.write(json.dumps([request.get("n") for request in requests]) + "\n")
    for request in requests:
        act(request)
    return [
        {"n": request.get("n"), "pid": os.getpid(), "together": len(items), **told(request)} for request in requests
    ]


def act(request):
    time.sleep(request.get("sleep", 0))
    while "until" in request and not Path(request["until"]).exists():
        time.sleep(0.01)
    if "fail" in request:
        raise RuntimeError(request["fail"])
    if "import" in request:
        importlib.import_module(request["import"])
    if "eat_mb" in request:
        bytearray(request["eat_mb"] << 20)
    if "exit" in request:
        os._exit(request["exit"])
    if "crash" in request:
        ctypes.string_at(0)
    if "hold" in request:
        # A C function that does not let other threads of Python run.
        ctypes.PyDLL(None).sleep(request["hold"])
    while "loop" in request:
        pass


def told(request):
    return {"variable": os.environ.get(request["variable"])} if "variable" in request else {}
