"""May the loaded model be forked?  A worker that was forked after loading must answer, and go on answering."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from puncheon.capabilities import Capability
from puncheon.proof.rows import single_rows
from puncheon.proof.workers import Answered

ROUNDS = 5
MANY = 64
"""Requests of the largest frame: math libraries use their threads for larger inputs only."""


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
    rows = single_rows(example) or [example]
    for number in range(ROUNDS):
        requests = [example, *(rows * MANY)[: MANY if number else len(rows)]]
        answered = len(ask(requests).answers)
        if answered < len(requests):
            return Capability(False, "a worker that was forked after loading did not answer in time")
    return Capability(True, f"a worker that was forked after loading answered {ROUNDS} times")
