"""Progress: one line for each step, with its seconds, when it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Step:
    """A step while it runs; ``detail`` is what its line says after the time."""

    name: str
    detail: str = ""


@dataclass
class Steps:
    """The steps of one command, in order, with their seconds."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Run a step and print its line; a step that fails has no line, its error says more."""
        began = time.monotonic()
        step = Step(name)
        yield step
        took = time.monotonic() - began
        self.seconds[name] = round(took, 2)
        print(f"{name:<13} {took:5.1f} s  {step.detail}".rstrip(), flush=True)
