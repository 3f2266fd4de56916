"""What azmlinfsrv's gunicorn needs beyond the command line that azmlinfsrv gives it.

gunicorn ignores names that its version does not know, so one file serves every version that a model's pins allow.
"""

from __future__ import annotations

import os
from pathlib import Path

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.workers.base import Worker

EXIT_KILLED_WHILE_LOADING = 5
"""Exit code of ours, beside gunicorn's own 3 and 4; scripts/service-ended puts it into words."""

LOADING = Path(f"/tmp/puncheon-loading.{os.getpid()}")  # noqa: S108 -- the run-time folder of the image

# Accepted requests end within the container's stop budget, with a second left for the services behind.
graceful_timeout = max(1, int(os.environ.get("STOP_TIMEOUT", "8")) - 1)

# The heartbeat file must not live on a disk (or on a read-only root); /dev/shm is memory in every container.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

# gunicorn 25.1 and later open a management socket under $HOME, which may be read-only and is of no use here.
control_socket_disable = True


def on_starting(server: Arbiter) -> None:
    """Before the first worker: no worker has died while it loaded the model."""
    LOADING.write_text("", encoding="ascii")


def post_worker_init(worker: Worker) -> None:
    """In a worker that has loaded the model: deaths while loading are counted anew."""
    LOADING.write_text("loaded", encoding="ascii")


def child_exit(server: Arbiter, worker: Worker) -> None:
    """In the master: end it where its workers die before they have loaded the model.

    gunicorn would start such workers for ever, and azmlinfsrv throws gunicorn's own message about it away.  A worker
    that raises ends the master by itself (exit code 3); what comes here was killed, most often for want of memory.
    """
    deaths = LOADING.read_text(encoding="ascii")
    if deaths == "loaded":
        return
    LOADING.write_text(deaths + "x", encoding="ascii")
    if len(deaths) + 1 >= int(os.environ.get("CRASH_LIMIT", "3")):
        raise HaltServer("workers die while they load the model", EXIT_KILLED_WHILE_LOADING)
