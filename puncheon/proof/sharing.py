"""May rows of different requests share a predict?  The example's rows are scored alone and together, and compared."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from puncheon.capabilities import Capability
from puncheon.proof.answer import ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE, difference_from_example
from puncheon.proof.rows import single_rows
from puncheon.proof.workers import Answered

Ask = Callable[[Sequence[bytes]], Answered]

ROUNDS = 5
"""How often; an answer that depends on its neighbours may do so rarely."""

TOGETHER = 48
"""Requests of one round."""

NO_ROWS = "the example does not have two rows that differ"
ONE_BY_ONE = (
    "its requests do not share a predict: that needs a signature of columns, or one tensor of numbers, "
    "and an answer with a row for each row"
)


def may_share(example: bytes, ask: Ask) -> Capability:
    """Return whether answers are the same alone and together.

    Parameters
    ----------
    example
        The body that was proven.
    ask
        Sends requests in one frame to a worker that may let them share a predict.
    """
    rows = single_rows(example)
    if not rows:
        return Capability(False, NO_ROWS)
    requests = [*rows, example]
    alone: dict[bytes, Any] = {}
    for request in requests:
        first, second = (_values(ask([request])) for _ in range(2))
        if first is None or second is None:
            return Capability(False, "the model fails on single rows of its example")
        if difference_from_example(second[0], first[0]):
            return Capability(False, "the model does not answer the same request twice the same")
        alone[request] = first[0]
    chance = random.Random(0)  # noqa: S311 -- the same mixtures in every build
    for _ in range(ROUNDS):
        mixture = chance.choices(requests, k=TOGETHER)
        answered = ask(mixture)
        together = _values(answered)
        if together is None or len(together) < len(mixture):
            return Capability(False, "the model fails on several requests together")
        if answered.shared < len(mixture):
            return Capability(False, ONE_BY_ONE)
        for request, value in zip(mixture, together, strict=True):
            difference = difference_from_example(value, alone[request])
            if difference:
                return Capability(False, f"an answer depends on its neighbours: {difference}")
    return Capability(
        True,
        f"{ROUNDS} x {TOGETHER} requests were answered together as alone "
        f"(within {RELATIVE_TOLERANCE:g} relative, {ABSOLUTE_TOLERANCE:g} absolute)",
    )


def _values(answered: Answered) -> list[Any] | None:
    """Return the parsed answers, or None if one is a failure."""
    if not answered.answers or any(answer.status != 200 for answer in answered.answers):
        return None
    return [json.loads(answer.body) for answer in answered.answers]
