"""What a server's processes cost: processor time and memory, from /proc (``man 5 proc``)."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """A process of a container, as seen from inside.

    Attributes
    ----------
    pss_kib
        Its share of memory: what is its own, and of what n processes share an n-th.
    """

    pid: int
    parent: int
    command: str
    pss_kib: int


def stat_fields(text: str) -> list[str]:
    """Return the fields of a ``stat`` file from the third on: state, parent, ...; the name before may hold anything."""
    return text.rpartition(")")[2].split()


def cpu_seconds(root: int, proc: Path = PROC) -> float:
    """Return the processor time of a process, its descendants, and the ended children that these waited for."""
    stats = _stats(proc)
    return sum(sum(map(int, stats[pid][11:15])) for pid in family(root, _parents(stats))) / TICKS


def family(root: int, parents: Mapping[int, int]) -> list[int]:
    """Return ``root`` and its descendants among ``parents`` (process → parent)."""
    members = [root] if root in parents else []
    for member in members:
        members.extend(child for child, parent in parents.items() if parent == member)
    return members


def ages(root: int) -> dict[int, str]:
    """Return ``root`` and its descendants on this machine, each with its start: numbers are used again."""
    stats = _stats(PROC)
    return {pid: stats[pid][19] for pid in family(root, _parents(stats))}


def settle(root: int, limit_s: float = 120) -> None:
    """Wait until a server uses less than a third of a processor: the work that a load left behind has ended."""
    deadline = time.monotonic() + limit_s
    before = cpu_seconds(root)
    while time.monotonic() < deadline:
        time.sleep(0.25)
        now = cpu_seconds(root)
        if now - before < 0.25 / 3:
            return
        before = now


@contextlib.contextmanager
def awake(root: int, restless: bool) -> Iterator[None]:
    """Let a restless server run in this block and stand still after it; others run all the time."""
    if restless:
        send(root, signal.SIGCONT)
    try:
        yield
    finally:
        if restless:
            send(root, signal.SIGSTOP)


def send(root: int, number: signal.Signals) -> None:
    """Send a signal to a process and its descendants."""
    for pid in ages(root):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


LIST = r"""for p in /proc/[0-9]*; do
    echo "process ${p#/proc/}"; tr '\0\n' '  ' < $p/cmdline; echo; cat $p/stat; grep ^Pss: $p/smaps_rollup
done 2> /dev/null"""
"""For `sh -c` in a container, as the user of its processes; `parse_list` reads what it prints."""


def parse_list(text: str) -> list[Process]:
    """Return the processes that `LIST` found, without the kernel's and those that ended meanwhile."""
    found = []
    for block in re.split(r"(?m)^process (?=\d+$)", text)[1:]:
        pss = re.search(r"(?m)^Pss:\s+(\d+) kB$", block)
        if pss:
            pid, command, stat = block.split("\n")[:3]
            found.append(Process(int(pid), int(stat_fields(stat)[1]), command.strip(), int(pss[1])))
    return [process for process in found if "/proc/[0-9]*" not in process.command]


def below(processes: Iterable[Process], command: str) -> list[Process]:
    """Return the descendants of the process whose command line is ``command``, parents first, without itself."""
    by_id = {process.pid: process for process in processes}
    root = next((process.pid for process in by_id.values() if process.command == command), 0)
    return [by_id[pid] for pid in family(root, {pid: one.parent for pid, one in by_id.items()})[1:]] if root else []


def total_mb(processes: Iterable[Process]) -> float:
    """Return the sum of their shares, in MB."""
    return round(sum(process.pss_kib for process in processes) * 1024 / 1e6, 1)


def _stats(proc: Path) -> dict[int, list[str]]:
    found = {}
    for entry in proc.iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = stat_fields((entry / "stat").read_text())
            except OSError:
                continue
    return found


def _parents(stats: Mapping[int, list[str]]) -> dict[int, int]:
    return {pid: int(fields[1]) for pid, fields in stats.items()}
