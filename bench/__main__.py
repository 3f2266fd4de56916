"""Measure servers side by side, and what our container costs; write the figures, a page and a plot.

make bench                                     # everything, into docs/: about 50 minutes, nothing else running
make bench BENCH_ARGS=--quick                  # one short round, into build/bench/quick/
make bench BENCH_ARGS="--parts resources"      # one part of it; what docs/benchmarks.json holds of others stays
"""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bench import environments, floor, images, loads, machine, models, report, resources
from bench.environments import KIT, WORK
from bench.load import ensure_wrk
from bench.peers import PEERS
from bench.running import APPLICATION, CEILING, DIRECT, OURS, holds
from bench.server import Server
from bench.tables import Table, example

MODEL = KIT / "artifacts/iris_model"
OUR_SERVICE = "/var/runit/model/run"
"""What an image of our own server has and one of azmlinfsrv has not."""
PARTS = ("iris", "slow", "resources")


def main() -> None:
    """Measure the parts that were asked for and write them."""
    arguments = parse()
    # Ended from outside it ends its servers and containers too, as it does on Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    found: dict[str, Any] = {}
    file = arguments.output / f"{report.NAME}.json"
    if file.exists():
        found = json.loads(file.read_text())
    image = arguments.image or images.build("iris", MODEL, arguments.server)
    stamp = {
        "commit": images.commit(),
        "command": shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
        "server": "puncheon" if holds(image, OUR_SERVICE) else "azmlinfsrv",
    }
    results = {"machine": machine.describe(), **{name: found[name] for name in PARTS if name in found}}
    for name in arguments.parts:
        began = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
        measured = {"iris": iris, "slow": slow, "resources": own_resources}[name](arguments, image)
        results[name] = {"when": began, **stamp, **measured}
        report.write(results, arguments.output)
    print(report.goals(results))
    print(f"{arguments.output / report.NAME}.json, .md, .png")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ["ours", "ceiling", *(peer.name for peer in PEERS)]
    parser.add_argument("--parts", type=_list(PARTS), default=list(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--only", type=_list(names), default=names, help=f"servers, of {','.join(names)}")
    parser.add_argument("--image", help="an image of artifacts/iris_model, in place of building one")
    parser.add_argument("--server", default="", help="build with this SERVER (default: the kit's own)")
    parser.add_argument("--rounds", type=int, help="default: 3")
    parser.add_argument("--seconds", type=int, help="of each load; default: 5")
    parser.add_argument("--quick", action="store_true", help="fewer loads, one round, 2 s a load")
    parser.add_argument("--output", type=Path, help="folder of the results; default: docs, or build/bench if quick")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 3)
    arguments.seconds = arguments.seconds or (2 if arguments.quick else 5)
    arguments.output = arguments.output or (WORK / "quick" if arguments.quick else KIT / "docs")
    return arguments


def iris(arguments: argparse.Namespace, image: str) -> dict[str, Any]:
    """Return the figures of the demo model on every server."""
    chosen = [one for one in loads.IRIS if not arguments.quick or one in loads.QUICK]
    counts = sorted({one.rows for one in loads.IRIS})
    floors: list[dict[str, Any]] = []

    def bare() -> None:
        if "ours" in arguments.only:
            floors.append(floor.measure(image, counts, 0.5 if arguments.quick else 2))

    part = _loads(arguments, image, MODEL, chosen, bare)
    return {**part, **({"floor": floor.median(floors)} if floors else {})}


def slow(arguments: argparse.Namespace, image: str) -> dict[str, Any]:
    """Return the figures of the model that takes 20 ms on every server but the ceiling."""
    model = models.made("slow", WORK / "models/slow")
    own = images.build("slow", model, arguments.server) if "ours" in arguments.only else ""
    return _loads(arguments, own, model, loads.SLOW)


def own_resources(arguments: argparse.Namespace, image: str) -> dict[str, Any]:
    """Return what our container costs."""
    first = example(MODEL)
    times = 2 if arguments.quick else 5
    found: dict[str, Any] = {
        "idle": resources.idle_memory(image, images.mlflow_image(), first),
        "start": resources.start(image, first, times),
        "killed": resources.killed_worker(image, first, 2 * times),
    }
    if not arguments.quick:
        big = models.made("big", WORK / "models/big")
        found["shared"] = resources.shared_memory(images.build("big", big, arguments.server), example(big))
    return found


def _loads(
    arguments: argparse.Namespace,
    image: str,
    model: Path,
    chosen: Sequence[loads.Load],
    each_round: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    peers = [peer for peer in PEERS if peer.name in arguments.only]
    has_ceiling = "ceiling" in arguments.only and model == MODEL and holds(image, APPLICATION)
    bodies = loads.Bodies.of(model, sorted({rows for one in chosen for rows in (one.rows, one.beside) if rows}))
    wrk = ensure_wrk()
    with loads.running(model, image, peers, "ours" in arguments.only, has_ceiling) as servers:
        counts = loads.checked(servers, bodies, _predict(model))
        measured = loads.measure(servers, bodies, chosen, arguments.rounds, arguments.seconds, each_round)
    return {
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        "wrk": wrk,
        "servers": [{"name": name, "version": version, "how": how} for name, version, how in _described(servers)],
        "checked": counts,
        "loads": measured,
    }


def _described(servers: Sequence[Server]) -> Iterable[tuple[str, str, str]]:
    known = {peer.name: (environments.version(peer), peer.how) for peer in PEERS}
    known |= {
        OURS: ("", "the container, asked through its nginx"),
        DIRECT: ("", "the same container, asked at gunicorn's port"),
        CEILING: ("", "the same image; gunicorn's application reads the body and answers two numbers"),
    }
    return ((server.name, *known[server.name]) for server in servers)


def _predict(model: Path) -> Callable[[Table], Sequence[float]]:
    import mlflow.pyfunc
    import pandas as pd

    loaded = mlflow.pyfunc.load_model(str(model))

    def predict(table: Table) -> Sequence[float]:
        answer: list[float] = loaded.predict(pd.DataFrame(table.rows, columns=list(table.columns))).tolist()
        return answer

    return predict


def _list(known: Sequence[str]) -> Callable[[str], list[str]]:
    def parse_list(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not among {', '.join(known)}")
        return names

    return parse_list


if __name__ == "__main__":
    main()
