"""CPUs as control groups grant them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from puncheon.resources import available_cpus

MACHINE = len(os.sched_getaffinity(0))


def v2(folder: Path, text: str) -> None:
    (folder / "cpu.max").write_text(text)


def v1(folder: Path, quota: str) -> None:
    (folder / "cpu").mkdir()
    (folder / "cpu/cpu.cfs_quota_us").write_text(quota)
    (folder / "cpu/cpu.cfs_period_us").write_text("100000")


@pytest.mark.parametrize(
    ("layout", "text", "expected"),
    [
        (v2, "max 100000\n", MACHINE),
        (v2, "50000 100000\n", 1),
        (v2, "6400000 100000\n", MACHINE),
        (v1, "-1\n", MACHINE),
        (v1, "100000\n", 1),
    ],
    ids=["v2 unlimited", "v2 half a cpu", "v2 more than the machine", "v1 unlimited", "v1 one cpu"],
)
def test_cpus_follow_the_quota(tmp_path: Path, layout, text: str, expected: int) -> None:  # type: ignore[no-untyped-def]
    """The quota is rounded up and never exceeds the machine."""
    layout(tmp_path, text)

    assert expected == available_cpus(tmp_path)


def test_without_control_groups_the_machine_counts(tmp_path: Path) -> None:
    """No cgroup files: all CPUs of the affinity mask."""
    assert MACHINE == available_cpus(tmp_path)
