"""The real azmlinfsrv and our server side by side, before the same entry script in the same environment."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.differential import cases
from tests.differential.cases import Case, Request
from tests.differential.services import Service
from tests.runner.running import KEPT, run
from tests.server.running import gunicorn, settings_of
from tests.serving import free_ports, wait_until

LIMIT_S = 60
TRANSPORT = {"connection", "date", "keep-alive", "server"}
"""Headers that are each HTTP library's own."""

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
IDS = {"x-request-id", "x-ms-request-id", "x-ms-client-request-id"}


@dataclass(frozen=True)
class Answer:
    """An answer, without what is another one each time: status, body (bytes, or a description), headers as a list."""

    status: int
    body: Any
    headers: list[tuple[str, str]]


@dataclass(frozen=True)
class Pair:
    """Both servers of a service."""

    reference_port: int
    our_port: int

    def reference(self, case: Case) -> Answer:
        """Return the reference's answer."""
        return ask(self.reference_port, case.asked_instead or case.request)

    def ours(self, case: Case) -> Answer:
        """Return our answer."""
        return ask(self.our_port, case.request)


def ask(port: int, request: Request) -> Answer:
    """Send one request, exactly as it is written."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    with contextlib.closing(connection):
        connection.putrequest(request.method, request.path, skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value.encode("latin-1"))
        if request.body is not None:
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        response = connection.getresponse()
        content = response.read()
        body = _parsed(content)
        is_description = request.path.startswith("/swagger.json") and response.status == 200
        ignored = TRANSPORT | {"content-length"} if is_description else TRANSPORT
        headers = sorted(
            (name.lower(), _normalised(name.lower(), value))
            for name, value in response.getheaders()
            if name.lower() not in ignored
        )
        return Answer(response.status, body, headers)


def expected(case: Case, reference: Answer) -> Answer:
    """Return what we are to answer: what the reference does, but for what the case states."""
    stated = dict(case.ours)
    status, body = stated.pop("status", reference.status), stated.pop("body", reference.body)
    if "body" in case.ours and case.request.method != "HEAD":
        stated.setdefault("content-length", str(len(body)))
        stated.setdefault("content-type", "application/json")
    headers = [(name, value) for name, value in reference.headers if name not in stated]
    headers += [(name, value) for name, value in stated.items() if value != cases.ABSENT]
    return Answer(status, body, sorted(headers))


def _normalised(name: str, value: str) -> str:
    if name == "allow":
        return ", ".join(sorted(value.split(", ")))
    if name in IDS and UUID.fullmatch(value):
        return cases.NEW_ID
    if name == "x-ms-run-fn-exec-ms" and re.fullmatch(r"\d+\.\d{3}", value):
        return cases.MILLISECONDS
    if name == "x-ms-server-version" and re.fullmatch(r"(azmlinfsrv|puncheon)/\d[\d.]*", value):
        return cases.SERVER
    return value


def _parsed(content: bytes) -> Any:
    """Return a description of the routes as its value, without the sentences; any other body as it is."""
    if not content.startswith(b'{"swagger": ') and not content.startswith(b'{"openapi": '):
        return content
    return _without_sentences(json.loads(content))


def _without_sentences(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_sentences(item) for key, item in value.items() if key != "description"}
    return [_without_sentences(item) for item in value] if isinstance(value, list) else value


@contextlib.contextmanager
def serve(service: Service, reference: Path, amlenv: Path, folder: Path) -> Iterator[Pair]:
    """Run both servers until the block ends.

    Parameters
    ----------
    reference
        An environment with azmlinfsrv, in which the entry script runs for both.
    amlenv
        The environment of our HTTP side.
    folder
        Where sockets and logs go.
    """
    variables = dict(service.variables)
    with (
        _azmlinfsrv(service, reference, folder) as port,
        run(service.path, folder, reference / "bin/python", **{**variables, **settings_of(variables)}),
        gunicorn(amlenv, folder, folder, AML_APP_ROOT=str(service.path.parent), **variables) as ours,
    ):
        wait_until(ours.is_ready, LIMIT_S, "readiness of ours")
        yield Pair(port, ours.port)


@contextlib.contextmanager
def _azmlinfsrv(service: Service, environment: Path, folder: Path) -> Iterator[int]:
    (port,) = free_ports(1)
    log = folder / "azmlinfsrv.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [environment / "bin/azmlinfsrv", "--entry_script", service.path, "--port", str(port)],
            cwd=service.path.parent,
            env={
                **{name: os.environ[name] for name in KEPT if name in os.environ},
                "AML_APP_ROOT": str(service.path.parent),
                "PYTHONDONTWRITEBYTECODE": "1",
                **service.variables,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def is_healthy() -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return 200 == ask(port, Request("GET", "/")).status
        return False

    try:
        wait_until(lambda: is_healthy() or process.poll() is not None, LIMIT_S, "azmlinfsrv")
        assert process.poll() is None, log.read_text()[-3000:]
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(LIMIT_S)
