"""From a run's JSON to docs/benchmarks.md and its plot: ``python -m bench.report FOLDER`` writes both anew."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.goals import GOALS, judge
from bench.plot import draw

NAME = "benchmarks"
MARKS = {True: "met", False: "**missed**", None: ""}
UNITS = (("rate", "requests/s"), ("p50_ms", "p50, ms"), ("p99_ms", "p99, ms"), ("cpu_ms", "CPU, ms a request"))


def write(results: Mapping[str, Any], folder: Path) -> None:
    """Write a run's JSON, its page and its plot into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / f"{NAME}.md").write_text(page(results))
    if "iris" in results:
        draw(results["iris"]["loads"], folder / f"{NAME}.png")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: bool = False) -> str:
    """Return a Markdown table; columns of numbers, all but the first, stand to the right."""
    line = ["---", *(("---:" if numbers else "---") for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, line, *rows)) + "\n"


def page(results: Mapping[str, Any]) -> str:
    """Return the whole page."""
    parts = [
        "# Benchmarks",
        "Made by `make bench`, which writes this page, `benchmarks.json` and the plot; nothing is written by hand.",
        _conditions(results),
        "## Goals",
        goals(results),
    ]
    if "iris" in results:
        parts += [
            "## The demo model",
            f"![Requests a second and p99 of each server, by rows and connections]({NAME}.png)",
            *_servers(results),
            *(_loads(results["iris"]["loads"], rows) for rows in _distinct(results["iris"]["loads"], "rows")),
            *_mixed(results["iris"]["loads"]),
            *_floor(results["iris"].get("floor")),
        ]
    if "slow" in results:
        parts += ["## A model whose predict takes 20 ms", _loads(results["slow"]["loads"], 2)]
    if "resources" in results:
        parts += ["## Memory, workers, start", *_resources(results["resources"])]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def goals(results: Mapping[str, Any]) -> str:
    """Return the table of the goals, with what was found."""
    verdicts = [judge(goal, results) for goal in GOALS]
    return table(["what", "goal", "found", ""], [[one.what, one.goal, one.found, MARKS[one.met]] for one in verdicts])


def number(value: float | None) -> str:
    """Return a number with three digits that mean something, or as many as stand before its point."""
    if value is None:
        return ""
    for digits, least in ((0, 100), (1, 10), (2, 0.1), (3, 0)):
        if abs(value) >= least:
            return f"{value:,.{digits}f}"
    return ""


def _conditions(results: Mapping[str, Any]) -> str:
    lines = [f"* {name}: {text}" for name, text in results["machine"].items()]
    for name in ("iris", "slow", "resources"):
        part = results.get(name)
        if part:
            lines.append(
                f"* {name}: {part['when']}, commit {part['commit']}, `SERVER={part['server']}`"
                + (
                    f", {part['rounds']} rounds of {part['seconds']} s a load, wrk {part['wrk']}"
                    if "wrk" in part
                    else ""
                )
                + f": `{part['command']}`"
            )
    return "\n".join(lines)


def _servers(results: Mapping[str, Any]) -> list[str]:
    part = results["iris"]
    rows = [
        [one["name"], one["version"], one["how"], str(part["checked"].get(one["name"], 0) or "")]
        for one in part["servers"]
    ]
    return [
        "Each server has one model worker.  All run at once; in each round each gets each load in its turn, after a "
        "second of warm-up and when it has nothing left to do.  Figures are medians of the rounds.  wrk runs on the "
        "same processors.  Before the first load, answers of each server are compared with the model's own.",
        table(["server", "version", "how", "answers checked"], rows),
    ]


def _loads(loads: Sequence[Mapping[str, Any]], rows: int) -> str:
    chosen = [one for one in loads if one["rows"] == rows and not one["beside"]]
    connections = _distinct(chosen, "connections")
    found = {(one["server"], one["connections"]): one["median"] for one in chosen}
    blocks = []
    for name, unit in UNITS:
        lines = [
            [server, *(number(found.get((server, count), {}).get(name)) for count in connections)]
            for server in _distinct(chosen, "server")
        ]
        blocks.append(table([f"{rows:,} rows: {unit}", *(f"{count} conn." for count in connections)], lines, True))
    return "\n".join([*blocks, *_failures(chosen)])


def _failures(loads: Iterable[Mapping[str, Any]]) -> list[str]:
    failed = [
        f"{one['server']} on {one['connections']} connections: {one['median']['refused']} refused, "
        f"{one['median']['broken']} broken or timed out, of {one['median']['answers']:,}"
        for one in loads
        if one["median"]["refused"] or one["median"]["broken"]
    ]
    return ["Not answered with 200: " + "; ".join(failed) + ".\n"] if failed else ["All answered with 200.\n"]


def _mixed(loads: Sequence[Mapping[str, Any]]) -> list[str]:
    chosen = [one for one in loads if one["beside"]]
    if not chosen:
        return []
    rows = [
        [one["server"], *(number(one["median"][name]) for name in ("rate", "p50_ms", "p99_ms", "beside_rate"))]
        for one in chosen
    ]
    first = chosen[0]
    title = f"{first['rows']} rows on {first['connections']} connections, beside {first['beside']:,} rows on one"
    head = [title, "requests/s", "p50, ms", "p99, ms", "large requests/s"]
    return ["\n".join([table(head, rows, True), *_failures(chosen)])]


def _floor(floor: Mapping[str, Any] | None) -> list[str]:
    if not floor:
        return []
    rows = [
        [f"{int(count):,}", number(one["predict_ms"]), number(one["json_ms"])] for count, one in floor["rows"].items()
    ]
    return [
        f"The floor, in the image's own environment (Python {floor['python']}, MLflow {floor['mlflow']}), one call "
        "after the other with no server:",
        table(["rows", "`pyfunc.predict` of a DataFrame, ms", "from JSON text to JSON text, ms"], rows, True),
    ]


def _resources(found: Mapping[str, Any]) -> list[str]:
    parts = []
    if "idle" in found:
        idle = found["idle"]
        parts.append(
            f"Idle, after its first answers: the container {number(idle['container_mb'])} MB (as the engine counts, "
            f"without page cache; sum of PSS {number(idle['pss_mb'])} MB); MLflow's own image "
            f"{number(idle['peer_container_mb'])} MB ({number(idle['peer_pss_mb'])} MB)."
        )
        rows = [
            [f"`{one['command']}`", number(one["mb"]), "model" if one["model"] else ""] for one in idle["processes"]
        ]
        parts.append(table(["process", "PSS, MB", ""], rows))
    if "killed" in found:
        times = ", ".join(number(one) for one in found["killed"]["ms"])
        preload = found["killed"]["preload"] or {"allowed": None, "reason": "nothing"}
        allowed = {True: "yes: ", False: "no: ", None: ""}[preload["allowed"]]
        parts.append(
            f"Killed workers, ms until the next answer: {times}.  "
            f"What the build's proof says of loading before the fork: {allowed}{preload['reason']}."
        )
    if "start" in found:
        served, loaded = (
            ", ".join(number(one) for one in found["start"][name]) for name in ("first_answer_s", "import_and_load_s")
        )
        parts.append(f"Start until the first answer, s: {served}; `import mlflow` and load alone, s: {loaded}.")
    return parts


def _distinct(records: Iterable[Mapping[str, Any]], name: str) -> list[Any]:
    return list(dict.fromkeys(record[name] for record in records))


if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1], f"{NAME}.json").read_text()), Path(sys.argv[1]))
