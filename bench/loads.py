"""The loads: which they are, and the rounds in which every server gets each of them in turn."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import load
from bench.environments import WORK
from bench.load import Figures
from bench.peers import Peer
from bench.processes import awake, cpu_seconds, settle
from bench.running import CEILING, our_servers, peer_server
from bench.server import Server, check
from bench.tables import Table, example, flowers

WARM_UP_S = 1


@dataclass(frozen=True)
class Load:
    """Requests of so many rows on so many connections.

    Attributes
    ----------
    beside
        Rows of the requests that one more connection sends at the same time; 0 for none.
    """

    rows: int
    connections: int
    beside: int = 0


IRIS = (
    *(Load(rows, connections) for rows in (2, 100) for connections in (1, 32, 128)),
    *(Load(10_000, connections) for connections in (1, 8, 32, 128)),
    Load(2, 32, beside=10_000),
)
SLOW = tuple(Load(2, connections) for connections in (1, 32, 128))
OF_THE_CEILING = frozenset({Load(2, 1), Load(2, 32), Load(2, 128)})
QUICK = frozenset({Load(2, 1), Load(2, 32), Load(2, 128), Load(100, 32), Load(10_000, 8), Load(2, 32, beside=10_000)})


@dataclass(frozen=True)
class Bodies:
    """The tables by their number of rows, and the files from which wrk takes a server's bodies."""

    tables: dict[int, Table]
    folder: Path

    @classmethod
    def of(cls, model: Path, counts: Sequence[int]) -> Bodies:
        """Return the model's own example for its two rows, flowers for more."""
        first = example(model)
        tables = {count: first if count == len(first.rows) else flowers(first.columns, count) for count in counts}
        return cls(tables, WORK / "bodies")

    def file(self, server: Server, rows: int) -> Path:
        """Return the file with the body for a server."""
        path = self.folder / server.body.__name__ / f"{rows}.json"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(server.body(self.tables[rows]))
        return path


@contextlib.contextmanager
def running(model: Path, image: str, peers: Sequence[Peer], ours: bool, ceiling: bool) -> Iterator[list[Server]]:
    """Run all servers at once, with one model worker each."""
    first = example(model)
    with contextlib.ExitStack() as stack:
        servers: list[Server] = []
        if ours:
            servers += stack.enter_context(our_servers(image, first))
        if ceiling:
            servers += stack.enter_context(our_servers(image, first, ceiling=True))
        servers += [stack.enter_context(peer_server(peer, model, first)) for peer in peers]
        yield servers


def measure(
    servers: Sequence[Server],
    bodies: Bodies,
    loads: Sequence[Load],
    rounds: int,
    seconds: int,
    each_round: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
    """Return a record for each server and load: its rounds and their median.

    Round by round, in each load by load, in each server by server: what slows the machine for a while slows all alike.
    """
    found: dict[tuple[str, Load], list[dict[str, Any]]] = {}
    for number in range(1, rounds + 1):
        for one in loads:
            for server in servers:
                if server.name == CEILING and one not in OF_THE_CEILING:
                    continue
                with awake(server.root, server.restless):
                    figures = _one(server, bodies, one, seconds)
                found.setdefault((server.name, one), []).append(figures)
                _say(f"round {number}: {server.name}, {_words(one)}: {figures['rate']:,.0f}/s")
        each_round()
    return [
        {"server": name, **_json(one), "median": _median(values), "rounds": values}
        for (name, one), values in found.items()
    ]


def checked(servers: Sequence[Server], bodies: Bodies, predict: Callable[[Table], Sequence[float]]) -> dict[str, int]:
    """Return how many answers of each server were compared with the model's own, all of them right.

    Raises
    ------
    SystemExit
        If one is wrong.
    """
    counts = {}
    for server in servers:
        counts[server.name] = check(server, bodies.tables.values(), predict)
        _say(f"{server.name}: {counts[server.name]} answers checked")
    return counts


def _one(server: Server, bodies: Bodies, one: Load, seconds: int) -> dict[str, Any]:
    body = bodies.file(server, one.rows)
    load.finish(load.start(server.url, body, one.connections, WARM_UP_S))
    _quiet(server, bodies)
    before = cpu_seconds(server.root)
    small = load.start(server.url, body, one.connections, seconds)
    large = load.start(server.url, bodies.file(server, one.beside), 1, seconds) if one.beside else None
    figures = load.as_json(load.finish(small))
    if large:
        figures["beside_rate"] = load.finish(large).rate
    used = cpu_seconds(server.root) - before
    if figures["answers"] and not one.beside:
        figures["cpu_ms"] = round(used * 1000 / figures["answers"], 4)
    _quiet(server, bodies)
    return figures


def _quiet(server: Server, bodies: Bodies) -> None:
    """Wait until a server has done what a load left behind: it answers, and uses little of a processor."""
    server.ask(bodies.tables[min(bodies.tables)])
    settle(server.root)


def _median(values: Sequence[dict[str, Any]]) -> dict[str, float]:
    names = Figures.__dataclass_fields__
    found = load.as_json(load.median([Figures(**{name: one[name] for name in names}) for one in values]))
    for name in ("beside_rate", "cpu_ms"):
        if name in values[0]:
            found[name] = load.middle(one[name] for one in values)
    return found


def _json(one: Load) -> dict[str, int]:
    return {"rows": one.rows, "connections": one.connections, "beside": one.beside}


def _words(one: Load) -> str:
    beside = f" beside {one.beside:,} rows" if one.beside else ""
    return f"{one.rows:,} rows, {one.connections} connections{beside}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
