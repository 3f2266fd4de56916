"""What a loaded model may have that a forked worker must not inherit."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

SHARED = ("socket:", "pipe:")
"""What a descriptor's link in /proc begins with where two processes would read each other's bytes from it."""


def open_channels() -> frozenset[str]:
    """Return the sockets and pipes that this process has open, as the kernel names them (Linux)."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(str(descriptor))
        except FileNotFoundError:  # the listing's own
            continue
        if target.startswith(SHARED):
            found.add(target)
    return frozenset(found)


def reason_not_to_fork(before: frozenset[str]) -> str | None:
    """Say what loading has left in this process that workers cannot share, or None.

    Parameters
    ----------
    before
        ``open_channels()`` before the model was loaded.

    Native threads alone are no reason (pyarrow, which comes with pandas, has one and copes with forks): whether they
    are in the way is what the build's proof finds out, by asking a forked worker.
    """
    others = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if others:
        return "the loaded model runs threads ({}), and a fork takes only one along".format(", ".join(others[:3]))
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "the loaded model is on a GPU, which a fork cannot share"
    jpype = sys.modules.get("jpype")
    if jpype is not None and jpype.isJVMStarted():
        return "the loaded model runs a Java machine, which a fork cannot share"
    if open_channels() - before:
        return "the loaded model has a connection open (to a database, another program), which workers cannot share"
    return None
