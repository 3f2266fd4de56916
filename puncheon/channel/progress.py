"""Progress lines: what is being done, and how long it has taken since the start."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """Prints one line per step, with the seconds since the start in front."""

    started: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Print one line at once, for a build that is watched through a pipe."""
        print(f"[{time.monotonic() - self.started:5.1f} s] {text}", flush=True)
