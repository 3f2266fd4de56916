"""Load by wrk (https://github.com/wg/wrk): so many connections, each with the next request as the last is answered."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.lua")
WRK_TIMEOUT_S = 60
"""A request of many rows waits for all those before it; past this it counts as a timeout."""


@dataclass(frozen=True)
class Figures:
    """What one load found.

    Attributes
    ----------
    rate
        Requests answered with 2xx or 3xx, a second.
    p50_ms, p99_ms, max_ms
        From sending a request to its last byte, of all answers.
    answers
        All answers, refused ones too.
    refused
        Answers of 400 and above.
    broken
        Connections that could not be opened, read or written, and requests that timed out.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    answers: int
    refused: int
    broken: int


def parse(output: str) -> Figures:
    """Return the figures from wrk's output with ``load.lua``.

    Raises
    ------
    ValueError
        If the script's line is missing.
    """
    line = re.search(r"(?m)^wrk: (.*)$", output)
    if not line:
        raise ValueError(f"wrk printed no result:\n{output[-2000:]}")
    found = json.loads(line[1])
    return Figures(
        rate=round((found["answers"] - found["refused"]) / found["seconds"], 2),
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
        max_ms=found["max_ms"],
        answers=found["answers"],
        refused=found["refused"],
        broken=found["broken"] + found["timeouts"],
    )


def median(rounds: Sequence[Figures]) -> Figures:
    """Return the median of each figure; of what went wrong, the sum."""
    return Figures(
        rate=middle(one.rate for one in rounds),
        p50_ms=middle(one.p50_ms for one in rounds),
        p99_ms=middle(one.p99_ms for one in rounds),
        max_ms=middle(one.max_ms for one in rounds),
        answers=sum(one.answers for one in rounds),
        refused=sum(one.refused for one in rounds),
        broken=sum(one.broken for one in rounds),
    )


def middle(values: Iterable[float]) -> float:
    """Return the median, with as many digits as mean something."""
    return round(statistics.median(values), 4)


def as_json(figures: Figures) -> dict[str, float]:
    """Return the figures for a JSON file."""
    return asdict(figures)


def start(url: str, body: Path, connections: int, seconds: int) -> subprocess.Popen[str]:
    """Start one load; `finish` waits for it."""
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    command += ["--timeout", f"{WRK_TIMEOUT_S}s", "--latency", "--script", str(SCRIPT), url, "--", str(body)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen[str]) -> Figures:
    """Wait for a load and return what it found."""
    output, _ = process.communicate()
    return parse(output)


def ensure_wrk() -> str:
    """Return wrk's version; install Debian's package where there is none and we may.

    Raises
    ------
    SystemExit
        With what to do, if it cannot be installed from here.
    """
    if not shutil.which("wrk"):
        if os.geteuid() or not shutil.which("apt-get"):
            sys.exit("make bench needs wrk, which makes the load, and it is not on PATH.\n  apt-get install wrk")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", "wrk"]
        for command in (["apt-get", "update", "-qq"], install):
            done = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
            )
            if done.returncode:
                sys.exit(f"wrk, which makes the load, could not be installed.\n{done.stdout[-1000:]}")
    banner = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"wrk (\S+)", banner.stdout + banner.stderr)
    return found[1] if found else "unknown"
