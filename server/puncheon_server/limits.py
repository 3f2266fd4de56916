"""The HTTP side's settings; `puncheon apply` has checked and completed them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from puncheon_runner.protocol import MAX_COUNT


@dataclass(frozen=True)
class Limits:
    """What the queue and the dispatch obey.

    Attributes
    ----------
    control_socket
        Path of the runner's control socket.
    scoring_ms
        Time of one request in the model (SCORING_TIMEOUT_MS).
    request_s
        Time of one request from its arrival to its answer (WORKER_TIMEOUT), in seconds.
    batch_count, batch_bytes
        Most requests, and bytes of their bodies, of one frame.
    queue_count, queue_bytes
        Most requests that wait, and bytes of their bodies.
    body_bytes
        Largest body.
    retry
        Whether a request may be scored again after a worker died with it.
    """

    control_socket: str
    scoring_ms: int = 270_000
    request_s: float = 300.0
    batch_count: int = MAX_COUNT
    batch_bytes: int = 262_144
    queue_count: int = 1000
    queue_bytes: int = 256 * 2**20
    body_bytes: int = 100 * 2**20
    retry: bool = True


def read(environ: Mapping[str, str] = os.environ) -> Limits:
    """Read the limits from an environment with finished settings."""
    return Limits(
        control_socket=environ["PUNCHEON_MODEL_SOCKET"],
        scoring_ms=int(environ["SCORING_TIMEOUT_MS"]),
        request_s=float(environ["WORKER_TIMEOUT"]),
        batch_count=min(MAX_COUNT, int(environ["BATCH_MAX_ROWS"])),
        batch_bytes=int(environ["BATCH_MAX_BYTES"]),
        queue_count=int(environ["QUEUE_MAX"]),
        queue_bytes=int(environ["QUEUE_MAX_MB"]) * 2**20,
        body_bytes=int(environ["MAX_BODY_MB"]) * 2**20,
        retry=environ["RETRY"] == "on",
    )
