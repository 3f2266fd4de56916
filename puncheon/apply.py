"""``apply``: check the run-time settings of this container and write what the services read at start."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from puncheon.errors import SettingsError
from puncheon.layout import IMAGE
from puncheon.render import start_files, write
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
    settings = read({**of_the_build(arguments.root), **given(os.environ)})
    entries = start_files(settings)
    try:
        write(entries, arguments.root)
    except OSError as error:
        raise SettingsError(
            f"{error.filename or entries[0].path} cannot be written: {error.strerror}.",
            where=f"uid {os.getuid()}; every file that changes at run time lies under /tmp",
            next="Give the container a writable /tmp: docker run --read-only --tmpfs /tmp …",
        ) from error
    print(
        "puncheon: nginx :{NGINX_PORT} ({NGINX_WORKERS} workers, {PROXY_TIMEOUT} s) -> gunicorn :{GUNICORN_PORT} "
        "({WORKER_COUNT} workers, {WORKER_TIMEOUT} s; score {SCORING_TIMEOUT_MS} ms), "
        "stop within {STOP_TIMEOUT} s".format_map(settings.values),
        flush=True,
    )
    return 0
