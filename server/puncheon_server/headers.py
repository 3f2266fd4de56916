"""Request ids and the headers that every answer carries, as azureml-inference-server-http has them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from puncheon_server.jobs import Result

Headers = list[tuple[bytes, bytes]]

LONGEST_ID = 100
"""Characters of a request id; longer ones are refused with 431."""

FAILED = b"x-ms-run-function-failed"
JSON = (b"content-type", b"application/json")

BODILESS = frozenset({204, 304})
"""Statuses without a body, and so without its length (RFC 9110, 8.6)."""


class Ids(NamedTuple):
    """What a request calls itself.

    Attributes
    ----------
    request
        ``x-request-id``, or one of our own.
    ms_request, ms_client
        ``x-ms-request-id`` (deprecated) and ``x-ms-client-request-id``; empty where absent.
    trace
        ``TraceId``, echoed; None where absent.
    length
        ``Content-Length``, or -1.
    """

    request: bytes
    ms_request: bytes = b""
    ms_client: bytes = b""
    trace: bytes | None = None
    length: int = -1

    @property
    def fault(self) -> str | None:
        """Say what is too long, or None."""
        if len(self.request) > LONGEST_ID:
            return "x-request-id must not exceed 100 characters"
        if len(self.ms_request) > LONGEST_ID or len(self.ms_client) > LONGEST_ID:
            return "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters"
        return None

    def without_faults(self) -> Ids:
        """Return what is echoed where an id is too long: ``x-request-id`` if that is not the one, else a new one."""
        return Ids(self.request if len(self.request) <= LONGEST_ID else _new_id(), trace=self.trace)

    def headers(self) -> Headers:
        """Return the headers that echo them."""
        echoed: Headers = [
            (b"x-request-id", self.request),
            (b"x-ms-request-id", self.ms_request or self.ms_client or self.request),
        ]
        client = self.ms_client or self.ms_request
        if client:
            echoed.append((b"x-ms-client-request-id", client))
        if self.trace is not None:
            echoed.append((b"TraceId", self.trace))
        return echoed


def read_ids(headers: Iterable[tuple[bytes, bytes]]) -> Ids:
    """Read the ids of a request; the names are in lower case, as ASGI gives them.

    Several of a name are one, with commas between, as WSGI has them.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _NAMES:
            found[name] = found[name] + b"," + value if name in found else value
    length = found.get(b"content-length", b"")
    return Ids(
        found.get(b"x-request-id") or _new_id(),
        found.get(b"x-ms-request-id", b""),
        found.get(b"x-ms-client-request-id", b""),
        found.get(b"traceid"),
        int(length) if length.isdigit() else -1,
    )


_NAMES = frozenset({b"x-request-id", b"x-ms-request-id", b"x-ms-client-request-id", b"traceid", b"content-length"})


def _new_id() -> bytes:
    return str(uuid.uuid4()).encode()


def read_version(environ: Mapping[str, str]) -> str:
    """Return what ``x-ms-server-version`` says; nothing where SERVER_VERSION_LOG_RESPONSE_ENABLED is not ``true``."""
    told = (environ.get("SERVER_VERSION_LOG_RESPONSE_ENABLED") or "true").lower() == "true"
    return f"puncheon/{environ['PUNCHEON_VERSION']}" if told else ""


def answer_headers(ids: Ids, result: Result, version: bytes) -> Headers:
    """Return all headers of an answer to a score; ``version`` may be empty."""
    said = json.loads(result.head) if result.head else {}
    chosen = _script_headers(said["headers"], result.status) if "headers" in said else None
    headers = [
        *([JSON] if chosen is None else chosen),
        *ids.headers(),
    ]
    if version:
        headers.append((b"x-ms-server-version", version))
    if result.status not in BODILESS:
        headers.append((b"content-length", b"%d" % len(result.body)))
    if chosen is None or result.status >= 500:
        failed = result.status >= 500 and (chosen is not None or result.status != 503)
        headers.append((FAILED, b"True" if said.get("failed", failed) else b"False"))
    if result.seconds is not None and (result.status < 500 or chosen is not None):
        headers.append((b"x-ms-run-fn-exec-ms", b"%.3f" % (result.seconds * 1000)))
    if result.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % result.retry_after_s))
    return headers


def _script_headers(headers: Iterable[tuple[str, str]], status: int) -> Headers:
    """Return the headers that the script has chosen, without those that are the server's to choose."""
    ours = {"content-length", "x-request-id", "x-ms-request-id", "x-ms-client-request-id", "x-ms-server-version"}
    if status >= 500:
        ours.add(FAILED.decode())
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers if name.lower() not in ours
    ]
