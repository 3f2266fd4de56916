"""gunicorn's settings for our own server; `puncheon apply` has put the finished settings into the environment."""

from __future__ import annotations

import gc
import os

from gunicorn.workers.base import Worker

wsgi_app = "puncheon_server.asgi:make_application()"
bind = f"0.0.0.0:{os.environ['GUNICORN_PORT']}"
worker_class = "puncheon_server.http_worker.HTTPWorker"
workers = int(os.environ["HTTP_WORKERS"])
backlog = 4096

# One import for all workers: what they share is held once.
preload_app = True

# Accepted requests end within the container's stop budget, with a second left for the services behind.
graceful_timeout = max(1, int(os.environ["STOP_TIMEOUT"]) - 1)

# The heartbeat: a worker whose event loop stands still is replaced.  Slow scores do not hold the loop up.
timeout = 30

# The heartbeat file must not live on a disk (or on a read-only root); /dev/shm is memory in every container.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

# gunicorn 25.1 and later open a management socket under $HOME, which may be read-only and is of no use here.
control_socket_disable = True

# nginx keeps connections open for 60 s; the side that answers must not be the first to close.
keepalive = 75

# nginx writes the access log.
accesslog = None
loglevel = "warning"


def post_worker_init(worker: Worker) -> None:
    """In a new worker: what is there stays, and collections are rare (measured: a fifth of the time for a request)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
