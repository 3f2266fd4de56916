"""An entry script that does what a request says, and notes in the folder NOTES what it was asked.

A request is a JSON object: ``n`` is its name; ``until`` is a file of the folder that it waits for before it answers;
``end`` ends the process with that exit code, ``loop`` never ends.
"""

import json
import os
import time
from pathlib import Path

NOTES = Path(os.environ["NOTES"])


def init():
    """Load as soon as the file ``load`` is there, if LOAD_LATER says so; note which process has loaded."""
    if os.environ.get("LOAD_LATER"):
        wait_for("load")
    if os.environ.get("LOAD_FAILURE"):
        raise RuntimeError(os.environ["LOAD_FAILURE"])


def run(data):
    """Answer one request."""
    return run_batch([data])[0]


def run_batch(items):
    """Answer several."""
    requests = [read(item) for item in items]
    with (NOTES / "scored").open("a") as file:
        file.write(json.dumps([request.get("n") for request in requests]) + "\n")
    for request in requests:
        act(request)
    return [{"got": item, "pid": os.getpid(), "together": len(items)} for item in items]


def read(item):
    """Return a request; what is no JSON object asks for nothing."""
    try:
        request = json.loads(item)
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def act(request):
    """Do what is asked before the answer."""
    if "until" in request:
        wait_for(request["until"])
    if "end" in request:
        os._exit(request["end"])
    while "loop" in request:
        pass


def wait_for(name):
    """Wait for a file."""
    while not (NOTES / name).exists():
        time.sleep(0.002)
