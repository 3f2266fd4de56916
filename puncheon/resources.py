"""What this container may use, as the kernel's control groups tell it."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")


def available_cpus(cgroup: Path = CGROUP_ROOT) -> int:
    """Return the number of CPUs: the smaller of the affinity mask and the CFS quota, rounded up, at least 1.

    Reads ``cpu.max`` (cgroup v2) or ``cpu/cpu.cfs_{quota,period}_us`` (v1), as documented in the kernel's
    ``admin-guide/cgroup-v2`` and ``scheduler/sched-bwc``.
    """
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota_v2(cgroup) or _quota_v1(cgroup)
    return max(1, min(cpus, math.ceil(quota)) if quota else cpus)


def _quota_v2(cgroup: Path) -> float | None:
    words = _read(cgroup / "cpu.max").split()
    return int(words[0]) / int(words[1]) if len(words) == 2 and words[0] != "max" else None


def _quota_v1(cgroup: Path) -> float | None:
    quota, period = (_read(cgroup / "cpu" / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
