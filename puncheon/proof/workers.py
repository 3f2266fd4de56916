"""A model worker asked directly, at its socket, as the HTTP side asks it."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puncheon.layout import IMAGE

RUNNER = next(
    (folder for folder in (Path(IMAGE.runner), Path(__file__).resolve().parents[2] / "runner") if folder.is_dir()),
    Path(IMAGE.runner),
)
sys.path.append(str(RUNNER))

from puncheon_runner.protocol import Answer, Frame, Request, pack_frame, unpack_messages  # noqa: E402

GRACE_S = 5
"""Seconds beyond a frame's limit until its worker must have ended itself."""


@dataclass(frozen=True)
class Answered:
    """What a worker gave to one frame.

    Attributes
    ----------
    answers
        In the order of the requests; shorter where the worker ended before.
    shared
        How many of them came from a predict with others.
    """

    answers: tuple[Answer, ...]
    shared: int


def state(control: Path, timeout_s: float = 5) -> dict[str, Any]:
    """Return what the runner says of itself.

    Raises
    ------
    OSError
        If it does not answer.
    """
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(timeout_s)
        peer.connect(str(control))
        data = b""
        while not data.endswith(b"\n"):
            received = peer.recv(65536)
            if not received:
                raise ConnectionError(f"{control} was closed")
            data += received
    return dict(json.loads(data.splitlines()[-1]))


def ask(worker: str, bodies: Sequence[bytes], limit_s: float) -> Answered:
    """Send one frame to the worker that listens at ``worker``; ``limit_s`` is the time of each request.

    Raises
    ------
    OSError
        If it cannot be reached.
    """
    frame = Frame([Request(b"proof", body) for body in bodies], int(limit_s * 1000), os.getpid(), 1)
    found: dict[int, Answer] = {}
    shared = 0
    data = bytearray()
    deadline = time.monotonic() + limit_s * len(bodies) + GRACE_S
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(limit_s + GRACE_S)
        peer.connect(worker)
        peer.sendall(b"".join(pack_frame(frame)))
        while len(found) < len(bodies) and time.monotonic() < deadline:
            try:
                received = peer.recv(1 << 20)
            except OSError:
                break
            if not received:
                break
            data += received
            for answers, _ in unpack_messages(data):
                found.update((answer.place, answer) for answer in answers)
                # Those that are refused when they are read come together, too.
                shared += sum(answer.status == 200 for answer in answers) if len(answers) > 1 else 0
    return Answered(tuple(found[index] for index in sorted(found)), shared)
