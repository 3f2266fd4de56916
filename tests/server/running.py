"""The HTTP side as real processes: gunicorn, in an environment as the image has it, before a real runner."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from puncheon.settings import read
from tests.runner.running import KEPT, Runner, run
from tests.serving import KIT, free_ports, wait_until

GATED = Path(__file__).with_name("scripts") / "gated.py"
LIMIT_S = 30


@dataclass(frozen=True)
class Answer:
    """An answer: status, headers by their lower-case names, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.value["message"])


@dataclass
class Gunicorn:
    """A running gunicorn of ours.

    Attributes
    ----------
    port
        Where it listens.
    notes
        The folder in which the entry script (scripts/gated.py) notes what it is asked, and looks for files.
    begun
        Requests that were sent and perhaps not answered.
    """

    port: int
    process: subprocess.Popen[bytes]
    log_file: Path
    notes: Path
    begun: list[Later] = field(default_factory=list)

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def ask(self, path: str = "/score", body: bytes | str | None = None, method: str = "", **headers: str) -> Answer:
        """Send one request, POST where there is a body; ``x_request_id`` stands for the header ``x-request-id``."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(connection):
            connection.request(method or ("GET" if body is None else "POST"), path, body, named)
            return answer_of(connection.getresponse())

    def score(self, **request: Any) -> Answer:
        """Send one request to the entry script."""
        return self.ask(body=json.dumps(request))

    def later(self, **request: Any) -> Later:
        """Send a request and do not wait for its answer."""
        self.begun.append(Later(self.port, request))
        return self.begun[-1]

    def connect(self) -> socket.socket:
        """Return a connection that gives up after a while."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT_S)

    def open_gate(self, name: str) -> None:
        """Let the requests answer that wait for ``name``."""
        (self.notes / name).touch()

    def scored(self) -> list[list[Any]]:
        """Return the names of the requests of each call of the entry script."""
        path = self.notes / "scored"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def wait_scoring(self, *names: Any) -> None:
        """Wait until the script has begun with requests."""
        wait_until(
            lambda: set(names) <= {name for call in self.scored() for name in call}, LIMIT_S, f"scoring of {names}"
        )

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return 200 == self.ask("/readyz").status
        return False

    def answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return 200 == self.ask("/livez").status
        return False


class Later:
    """A request in flight; it has been sent when this is made."""

    def __init__(self, port: int, request: dict[str, Any]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        self._connection.request("POST", "/score", json.dumps(request))

    @property
    def is_answered(self) -> bool:
        """Whether something has come back."""
        return bool(select.select([self._connection.sock], [], [], 0)[0])

    def join(self) -> Answer:
        """Wait for the answer."""
        with contextlib.closing(self._connection):
            return answer_of(self._connection.getresponse())

    def close(self) -> None:
        """Leave, answered or not."""
        self._connection.close()


def answer_of(response: http.client.HTTPResponse) -> Answer:
    """Read an answer to its end."""
    content = response.read()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)


def settings_of(given: dict[str, str]) -> dict[str, str]:
    """Return finished settings, as a start makes them, for a machine of two CPUs and a model that may share."""
    return read({"BATCHING": "on", "WORKER_PRELOAD": "true", **given}, lambda: 2).as_environment()


def _all_of(given: dict[str, str]) -> dict[str, str]:
    """Return variables with the settings among them finished."""
    return {**given, **settings_of(given)}


@contextlib.contextmanager
def gunicorn(amlenv: Path, folder: Path, notes: Path, **variables: str) -> Iterator[Gunicorn]:
    """Run gunicorn until the block ends; its log lies in ``folder``."""
    (port,) = free_ports(1)
    log = folder / "gunicorn.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [amlenv / "bin/python", "-s", "-m", "gunicorn", "--config", KIT / "server/gunicorn.conf.py"],
            env={
                **{name: os.environ[name] for name in KEPT if name in os.environ},
                "GUNICORN_PORT": str(port),
                "PUNCHEON_MODEL_SOCKET": str(folder / "model.sock"),
                "PUNCHEON_VERSION": "1.2.3",
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONPATH": f"{KIT}/server:{KIT}/runner",
                **{name: value for name, value in _all_of(variables).items() if name != "GUNICORN_PORT"},
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Gunicorn(port, process, log, notes)
    try:
        wait_until(lambda: server.answers() or process.poll() is not None, LIMIT_S, "gunicorn")
        assert process.poll() is None, server.log[-3000:]
        yield server
    finally:
        for later in server.begun:
            later.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(LIMIT_S)


@contextlib.contextmanager
def serve(amlenv: Path, folder: Path, **variables: str) -> Iterator[tuple[Gunicorn, Runner]]:
    """Run a runner with the gated script, and gunicorn before it, until the block ends."""
    notes = folder / "notes"
    notes.mkdir()
    with (
        run(GATED, folder, NOTES=str(notes), **{**settings_of(variables), **variables}) as runner,
        gunicorn(amlenv, folder, notes, **variables) as server,
    ):
        yield server, runner
