"""gunicorn's worker class for the HTTP side: uvicorn with the C loop and the C parser."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class HTTPWorker(UvicornWorker):  # type: ignore[misc]
    """Uvicorn's worker with our options."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": "puncheon_server.http_protocol:HTTPProtocol",
        "ws": "none",
        "lifespan": "on",
        # One header less to make; nginx and gunicorn put their own.
        "server_header": False,
        "access_log": False,
        "proxy_headers": False,
        # uvicorn does not know gunicorn's own limit.
        "timeout_graceful_shutdown": max(1, int(os.environ["STOP_TIMEOUT"]) - 1),
    }
