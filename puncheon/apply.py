"""``apply``: check the run-time settings of this container and write what the services read at start."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from puncheon.capabilities import Capabilities, Start, choose
from puncheon.errors import SettingsError
from puncheon.layout import IMAGE
from puncheon.render import start_files, write
from puncheon.resources import available_cpus
from puncheon.settings import given, read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``apply``."""
    parser.add_argument("--root", type=Path, default=Path("/"), help="folder that stands for the root (tests)")


def of_the_build(root: Path) -> dict[str, str]:
    """Return the settings that the image was built with: the defaults of every start."""
    path = root / IMAGE.settings.lstrip("/")
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def run(arguments: argparse.Namespace) -> int:
    """Write the files of this start and print one line that says what was chosen.

    Raises
    ------
    SettingsError
        If a setting is impossible, or the run-time folder cannot be written.
    """
    settings = read({**of_the_build(arguments.root), **given(os.environ, "run")})
    start = choose(settings, proven(arguments.root))
    entries = start_files(start.settings)
    try:
        write(entries, arguments.root)
    except OSError as error:
        raise SettingsError(
            f"{error.filename or entries[0].path} cannot be written: {error.strerror}.",
            where=f"uid {os.getuid()}; every file that changes at run time lies under /tmp",
            next="Give the container a writable /tmp: docker run --read-only --tmpfs /tmp …",
        ) from error
    print(in_one_line(start, available_cpus()), flush=True)
    return 0


def proven(root: Path) -> Capabilities:
    """Return what the build's proof found; nothing where there is no record yet, as in the proof itself."""
    try:
        record = json.loads((root / IMAGE.proof.lstrip("/")).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        record = {}
    return Capabilities.of(record)


def in_one_line(start: Start, cpus: int) -> str:
    """Say what was chosen, and why."""
    values = start.settings.values
    line = "puncheon: {cpus} CPUs: nginx :{NGINX_PORT} ({NGINX_WORKERS} processes, {PROXY_TIMEOUT} s) -> "
    if values["SERVER"] == "azmlinfsrv":
        line += (
            "azmlinfsrv :{GUNICORN_PORT} ({WORKER_COUNT} processes, {WORKER_TIMEOUT} s, score {SCORING_TIMEOUT_MS} ms)"
        )
    else:
        line += (
            "gunicorn :{GUNICORN_PORT} ({HTTP_WORKERS} processes, {WORKER_TIMEOUT} s) -> "
            "model ({WORKER_COUNT} processes of {WORKER_THREADS} math threads, score {SCORING_TIMEOUT_MS} ms; "
            "preload {WORKER_PRELOAD}: {preload}; batching {BATCHING}: {batching})"
        )
    line += "; stop within {STOP_TIMEOUT} s"
    return line.format(cpus=cpus, preload=start.preload, batching=start.batching, **values)
