"""What azmlinfsrv's gunicorn needs beyond the command line that azmlinfsrv gives it; older gunicorns ignore names they lack."""

from __future__ import annotations

import os

# Accepted requests end within the container's stop budget, with a second left for the services behind.
graceful_timeout = max(1, int(os.environ.get("STOP_TIMEOUT", "8")) - 1)

# The heartbeat file must not live on a disk (or on a read-only root); /dev/shm is memory in every container.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

# gunicorn 25.1 and later open a management socket under $HOME, which may be read-only and is of no use here.
control_socket_disable = True
