"""What is read from /proc, and what is told from a container's list of processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.processes import LIST, Process, below, cpu_seconds, family, parse_list, stat_fields, total_mb

STAT = "{} ({}) S {} 1 1 0 -1 4194560 1 1 0 0 250 50 100 0 20 0 1 0 999 0 0"


@pytest.mark.parametrize("name", ["nginx", "a name", "worker) S 1 (x"])
def test_stat_fields_after_any_name(name: str) -> None:
    """A process may call itself what it likes."""
    assert ["S", "7"] == stat_fields(STAT.format(12, name, 7))[:2]


def test_family_is_the_process_and_all_below_it() -> None:
    """Children of children belong to it; siblings do not."""
    assert [2, 3, 4] == sorted(family(2, {1: 0, 2: 1, 3: 2, 4: 3, 5: 1}))


def test_family_of_an_ended_process_is_empty() -> None:
    """What is gone uses nothing."""
    assert [] == family(9, {1: 0, 2: 1})


def test_cpu_seconds_counts_children_that_ended() -> None:
    """Work of a child that was waited for is not lost."""
    busy = [sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"]
    before = cpu_seconds(os.getpid())

    subprocess.run(busy, check=True)

    assert cpu_seconds(os.getpid()) - before >= 0.29


def test_list_finds_this_process() -> None:
    """The shell's list of a real /proc holds this process, its parent and a share of memory."""
    done = subprocess.run(["sh", "-c", LIST], capture_output=True, text=True, check=False)

    found = {process.pid: process for process in parse_list(done.stdout)}

    assert os.getppid() == found[os.getpid()].parent
    assert found[os.getpid()].pss_kib > 1000


RUNNING = [
    Process(1, 0, "runsvdir /var/runit", 100),
    Process(2, 1, "runsv model", 100),
    Process(3, 2, "python -m runner", 5000),
    Process(4, 3, "python -m runner", 6000),
    Process(5, 1, "runsv nginx", 100),
    Process(6, 5, "nginx: master process", 900),
]


def test_below_is_what_a_service_runs() -> None:
    """Its supervisor is not of it, and neither are other services."""
    assert [3, 4] == [process.pid for process in below(RUNNING, "runsv model")]


def test_below_a_service_that_is_not_there() -> None:
    """An image without the service has nothing below it."""
    assert [] == below(RUNNING, "runsv rsyslog")


def test_total_in_megabytes() -> None:
    """KiB become MB of a million bytes."""
    assert 11.3 == total_mb(below(RUNNING, "runsv model"))
