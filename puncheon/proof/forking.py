"""May the loaded model be forked?  A worker that was forked after loading must answer, and go on answering."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from puncheon.capabilities import Capability
from puncheon.proof.rows import repeated, single_rows
from puncheon.proof.workers import Answered

ROUNDS = 5
MANY = 64
"""Requests of the largest frame."""

LARGE = (64, 512, 4096)
"""Rows of single requests: math libraries use their threads for larger inputs only."""

SOON_S = 1.0
"""A larger request follows only where the one before took less, since it takes about eight times as long."""

MOST_BYTES = 20_000_000
"""No larger request than about this is made."""

SILENT = "a worker that was forked after loading did not answer in time"


def may_fork(state: dict[str, Any], example: bytes, ask: Callable[[Sequence[bytes]], Answered]) -> Capability:
    """Return whether a worker that was forked from a loaded parent answers.

    Parameters
    ----------
    state
        What the runner, which was told to preload, says of itself.
    ask
        Sends requests in one frame to a worker, each with a limit of time.
    """
    if not state["preload"]:
        return Capability(False, str(state["not_preloaded"]))
    for requests in _frames(example):
        if len(ask(requests).answers) < len(requests):
            return Capability(False, SILENT)
    return Capability(True, f"a worker that was forked after loading answered {ROUNDS} times")


def _frames(example: bytes) -> Iterator[list[bytes]]:
    """Yield the requests of each frame; whoever takes them asks with one before taking the next."""
    rows = single_rows(example) or [example]
    for number in range(ROUNDS):
        yield [example, *(rows * MANY)[: MANY if number else len(rows)]]
    for count in LARGE:
        request = repeated(example, count) if len(example) * count <= MOST_BYTES else None
        if request is None:
            return
        began = time.monotonic()
        yield [request]
        if time.monotonic() - began > SOON_S:
            return
