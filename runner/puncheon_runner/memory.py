"""What the kernel says of this container's memory (control groups v2, then v1)."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

EVENTS = (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control"))
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

NO_LIMIT = 2**60
"""v1 writes the largest multiple of a page where there is no limit."""


def kills(files: Sequence[Path] = EVENTS) -> int:
    """Return how many processes of this container were killed for want of memory."""
    for line in _first(files).splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "oom_kill":
            return int(words[1])
    return 0


def limit_bytes(files: Sequence[Path] = LIMITS) -> int | None:
    """Return the container's memory limit, or None."""
    text = _first(files).strip()
    return int(text) if text.isdigit() and int(text) < NO_LIMIT else None


def _first(files: Sequence[Path]) -> str:
    for path in files:
        try:
            return path.read_text()
        except OSError:
            continue
    return ""
