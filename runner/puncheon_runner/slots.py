"""The places of workers: a listening socket each, which outlives the workers that come and go there."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import Any

from puncheon_runner.worker import Note


class Slot:
    """A place for one worker: its listening socket outlives the workers that come and go in it."""

    def __init__(self, number: int, path: str) -> None:
        self.number = number
        self.path = path
        self.listener = listen(path)
        self.note = Note()
        self.pid = 0
        self.pipe: int | None = None
        self.told = b""
        self.ready = False
        self.started = 0.0
        self.deaths = 0
        self.last_death: dict[str, Any] | None = None

    def describe(self) -> dict[str, Any]:
        """Return what the HTTP side needs to know."""
        return {
            "slot": self.number,
            "socket": self.path,
            "pid": self.pid,
            "ready": self.ready,
            "deaths": self.deaths,
            "last_death": self.last_death,
        }


def listen(path: str) -> socket.socket:
    """Return a listening Unix socket at ``path``, for this user alone; what lay there before is replaced."""
    with contextlib.suppress(FileNotFoundError):
        Path(path).unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(old)
    listener.listen(128)
    return listener
