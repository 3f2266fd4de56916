"""What the kernel says of this container's memory: its limit, and how often it has killed for it (cgroup v2, v1)."""

from __future__ import annotations

from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
UNLIMITED = 2**60
"""cgroup v1 writes a number near 2**63 for "no limit"."""


def limit_bytes(root: Path = CGROUP) -> int | None:
    """Return the container's memory limit, or None where it has none."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        text = _read(root / name).strip()
        if text.isdigit():
            return int(text) if int(text) < UNLIMITED else None
    return None


def kills(root: Path = CGROUP) -> int:
    """Return how many processes of this container the kernel has killed for want of memory."""
    for name in ("memory.events", "memory/memory.oom_control"):
        for line in _read(root / name).splitlines():
            key, _, count = line.partition(" ")
            if key == "oom_kill":
                return int(count)
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
