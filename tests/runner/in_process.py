"""An entry script and a guard that note what is asked of them, for tests of scoring within this process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


class RefusedError(ValueError):
    """The client's mistake."""

    status = 422


class Script:
    """An entry script that notes its calls: ``1`` gives 1, ``"a:1"`` too and shares a call with others of ``a``.

    ``"fail"`` fails, ``"refuse"`` is refused by the model, ``"alone"`` shares with nobody, ``"bad"`` is refused when it
    is read, ``"long"`` has three rows.
    """

    __file__ = "script"

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.fails_together = False

    def init(self) -> None: ...

    def run(self, data: str) -> Any:
        return self.run_batch([json.loads(data)])[0]

    def prepare(self, data: str) -> tuple[Any, str, int]:
        text = str(json.loads(data))
        if text == "bad":
            raise RefusedError("no such column")
        key = None if text == "alone" else text.partition(":")[0] if ":" in text else ""
        return key, text, 3 if text == "long" else 1

    def run_batch(self, items: Sequence[Any]) -> list[Any]:
        self.calls.append(list(map(str, items)))
        if "fail" in items or (self.fails_together and len(items) > 1):
            raise ZeroDivisionError
        if "refuse" in items:
            raise RefusedError("out of range")
        return [f"answer {item}" for item in items]


class Guard:
    """Notes for which requests a timer was started, and for how long."""

    def __init__(self) -> None:
        self.started: list[tuple[list[int], float]] = []
        self.is_running = False

    def __call__(self, indexes: Sequence[int], limit_s: float) -> None:
        self.is_running = limit_s > 0
        if limit_s:
            self.started.append((list(indexes), limit_s))
