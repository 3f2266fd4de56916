"""The goals, and whether a run reached them."""

# The goals are written with the sign for "times", which looks like a letter.
# ruff: noqa: RUF001

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.peers import PEERS
from bench.running import CEILING, OURS

Results = Mapping[str, Any]
MANY = 128
"""Connections of the loads that most goals speak of."""


@dataclass(frozen=True)
class Limit:
    """One comparison: a measured number, and what it may be at least or at most."""

    text: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the number lies within the limit."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)


@dataclass(frozen=True)
class Goal:
    """A row of the table: what is measured, what is to be reached, and how that is read from a run's results."""

    what: str
    goal: str
    limits: Callable[[Results], Iterable[Limit]]


@dataclass(frozen=True)
class Verdict:
    """A goal as a run found it; ``met`` is None where it was not measured."""

    what: str
    goal: str
    found: str
    met: bool | None


def judge(goal: Goal, results: Results) -> Verdict:
    """Compare a run's results with a goal."""
    try:
        limits = list(goal.limits(results))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return Verdict(goal.what, goal.goal, "not measured", None)
    return Verdict(goal.what, goal.goal, "; ".join(one.text for one in limits), all(one.met for one in limits))


def figures(results: Results, server: str, rows: int, connections: int, beside: int = 0) -> dict[str, float]:
    """Return the median figures of a load of the demo model.

    Raises
    ------
    KeyError
        If it was not measured.
    """
    wanted = {"server": server, "rows": rows, "connections": connections, "beside": beside}
    for record in results["iris"]["loads"]:
        if wanted.items() <= record.items():
            return dict(record["median"])
    raise KeyError(f"{server}, {rows} rows, {connections} connections")


def best_peer(results: Results, rows: int, connections: int, name: str) -> tuple[str, float]:
    """Return the peer with the highest rate, or the lowest of another figure, and that figure.

    Raises
    ------
    ValueError
        If none was measured.
    """
    found = {}
    for record in results["iris"]["loads"]:
        peers = {peer.name for peer in PEERS}
        if record["server"] in peers and (record["rows"], record["connections"], record["beside"]) == (
            rows,
            connections,
            0,
        ):
            found[record["server"]] = record["median"][name]
    choose = max if name == "rate" else min
    best = choose(found, key=lambda peer: found[peer])
    return best, found[best]


def _throughput(results: Results) -> Iterable[Limit]:
    ours = figures(results, OURS, 2, MANY)["rate"]
    reference = figures(results, "azmlinfsrv", 2, MANY)["rate"]
    best, rate = best_peer(results, 2, MANY, "rate")
    yield Limit(f"{ours:,.0f}/s: {ours / reference:.1f} × azmlinfsrv ({reference:,.0f}/s)", ours / reference, least=15)
    yield Limit(f"{ours / rate:.1f} × {best} ({rate:,.0f}/s)", ours / rate, least=6)


def _ceiling(results: Results) -> Iterable[Limit]:
    ours = figures(results, OURS, 2, MANY)["rate"]
    empty = figures(results, CEILING, 2, MANY)["rate"]
    yield Limit(f"{ours / empty:.2f} (empty: {empty:,.0f}/s)", ours / empty, least=0.55)


def _one_connection(results: Results) -> Iterable[Limit]:
    ours = figures(results, OURS, 2, 1)["p50_ms"]
    reference = figures(results, "azmlinfsrv", 2, 1)["p50_ms"]
    bare = results["iris"]["floor"]["rows"]["2"]["predict_ms"]
    yield Limit(f"{ours:.2f} ms; azmlinfsrv directly {reference:.2f} ms", ours, most=reference)
    yield Limit(f"bare predict {bare:.2f} ms {ours - bare:+.2f} ms", ours - bare, most=0.6)


def _tail(results: Results) -> Iterable[Limit]:
    ours = figures(results, OURS, 2, MANY)["p99_ms"]
    best, p99 = best_peer(results, 2, MANY, "p99_ms")
    yield Limit(f"{ours:.1f} ms: {ours / p99:.2f} × {best} ({p99:.1f} ms)", ours / p99, most=0.25)


def _many_rows(results: Results) -> Iterable[Limit]:
    ours = figures(results, OURS, 10_000, 8)["rate"]
    best, rate = best_peer(results, 10_000, 8, "rate")
    yield Limit(f"{ours:.1f}/s: {ours / rate:.2f} × {best} ({rate:.1f}/s)", ours / rate, least=1)


def _processor(results: Results) -> Iterable[Limit]:
    ours = figures(results, OURS, 2, MANY)["cpu_ms"]
    reference = figures(results, "azmlinfsrv", 2, MANY)["cpu_ms"]
    share = ours / reference
    yield Limit(f"{ours:.3f} ms: {share:.2f} × azmlinfsrv ({reference:.2f} ms)", share, most=0.1)


def _memory(results: Results) -> Iterable[Limit]:
    found = results["resources"]["idle"]
    ours, whole, peer = found["beside_model_mb"], found["container_mb"], found["peer_container_mb"]
    yield Limit(f"{ours:.0f} MB", ours, most=90)
    yield Limit(f"container {whole:.0f} MB: {whole / peer:.2f} × {peer:.0f} MB", whole / peer, most=0.5)


def _shared(results: Results) -> Iterable[Limit]:
    one, four = (results["resources"]["shared"][f"workers_{count}_mb"] for count in (1, 4))
    yield Limit(f"{four / one:.2f} × ({four:,.0f} MB, {one:,.0f} MB)", four / one, most=1.3)


def _killed(results: Results) -> Iterable[Limit]:
    found = results["resources"]["killed"]
    text = f"{found['median_ms']:.0f} ms, worst of {len(found['ms'])}: {found['worst_ms']:.0f} ms"
    yield Limit(text, found["worst_ms"], most=100)
    yield Limit(f"{found['lost']} of {found['asked']:,} requests lost", found["lost"], most=0)


def _start(results: Results) -> Iterable[Limit]:
    found = results["resources"]["start"]
    ours, alone = found["median_first_answer_s"], found["median_import_and_load_s"]
    yield Limit(f"{ours:.2f} s against {alone:.2f} s: {ours - alone:+.2f} s", ours - alone, most=1.0)


GOALS = (
    Goal("2 rows, 128 connections, requests/s", "≥ 15 × azmlinfsrv and ≥ 6 × the best peer", _throughput),
    Goal("the same, against an empty request through our own nginx and gunicorn", "≥ 0.55", _ceiling),
    Goal("2 rows, 1 connection, p50", "≤ azmlinfsrv asked directly, and ≤ bare predict + 0.6 ms", _one_connection),
    Goal("2 rows, 128 connections, p99", "≤ a quarter of the best peer's", _tail),
    Goal("10,000 rows, 8 connections, requests/s", "≥ the best peer", _many_rows),
    Goal("CPU time a request (2 rows, 128 connections, all our processes)", "≤ a tenth of azmlinfsrv's", _processor),
    Goal(
        "memory, all our processes beside the model's own, idle",
        "≤ 90 MB; the whole container ≤ 0.5 × the image of `mlflow models generate-dockerfile`",
        _memory,
    ),
    Goal("4 workers of a 500 MB model, against 1 (sum of PSS)", "≤ 1.3 ×", _shared),
    Goal("worker killed → next answer, preloaded model", "≤ 100 ms, no accepted request lost", _killed),
    Goal(
        "container start → first answer, against `import mlflow` + load in the same environment",
        "≤ + 1.0 s",
        _start,
    ),
)
