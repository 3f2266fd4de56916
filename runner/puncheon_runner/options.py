"""What the runner is told, by the environment that the ``model`` service starts it with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Mapping, NamedTuple, Sequence


class Options(NamedTuple):
    """The runner's settings; `puncheon apply` has checked and completed them.

    Attributes
    ----------
    script
        The entry script's file.
    folders
        What goes on ``sys.path`` beside the script's own folder.
    socket
        The control socket; worker ``n`` listens on ``<stem>-<n>.sock`` beside it.
    workers, threads
        Model workers, and math threads of each.
    preload
        Whether to load the script once, before the workers are forked.
    batching, batch_rows
        Whether requests may share a call, and the most rows of one.
    load_timeout_s
        How long ``init()`` may take.
    crash_limit
        How many workers in a row may die while they load.
    """

    script: Path
    folders: Sequence[Path]
    socket: Path
    workers: int = 1
    threads: int = 1
    preload: bool = False
    batching: bool = False
    batch_rows: int = 1024
    load_timeout_s: int = 0
    crash_limit: int = 3

    def worker_socket(self, slot: int) -> Path:
        """Return the socket of one worker."""
        return self.socket.with_name(f"{self.socket.stem}-{slot}{self.socket.suffix}")


def read(environ: Mapping[str, str] = os.environ) -> Options:
    """Read the options from an environment."""
    root = Path(environ.get("AML_APP_ROOT") or ".").resolve()
    source = environ.get("AZUREML_SOURCE_DIRECTORY")
    return Options(
        script=root / (environ.get("AZUREML_ENTRY_SCRIPT") or "main.py"),
        folders=(root, *([root / source] if source else [])),
        socket=Path(environ["PUNCHEON_MODEL_SOCKET"]),
        workers=int(environ.get("WORKER_COUNT") or 1),
        threads=int(environ.get("WORKER_THREADS") or 1),
        preload=environ.get("WORKER_PRELOAD") == "true",
        batching=environ.get("BATCHING") == "on",
        batch_rows=int(environ.get("BATCH_MAX_ROWS") or 1024),
        load_timeout_s=int(environ.get("LOAD_TIMEOUT") or 0),
        crash_limit=int(environ.get("CRASH_LIMIT") or 3),
    )
