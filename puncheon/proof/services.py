"""The image's services as the proof sees them: one process that is started, asked on its ports, and stopped."""

from __future__ import annotations

import contextlib
import http.client
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from puncheon.errors import ProofError

HOST = "127.0.0.1"
HEALTHY = (200, b"Healthy")
POLL_S = 0.02
PROBE_S = 2
"""How long one probe waits: while azmlinfsrv loads the model, it accepts connections and does not answer."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; status 0 stands for a connection that gave none, and ``body`` says why."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    milliseconds: float = 0.0


def ask(port: int, path: str = "/", body: bytes | None = None, timeout_s: float = PROBE_S) -> Answer:
    """Send GET, or POST where there is a body, to a port of this machine, past any proxy of the environment."""
    connection = http.client.HTTPConnection(HOST, port, timeout=max(timeout_s, 0.001))
    began = time.perf_counter()
    try:
        connection.request(
            "GET" if body is None else "POST", path, body=body, headers={"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        content = response.read()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, content, headers, (time.perf_counter() - began) * 1000)
    except TimeoutError:
        return Answer(0, f"no answer within {timeout_s:.0f} s".encode())
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, str(error).encode())
    finally:
        connection.close()


@dataclass
class Services:
    """The process that starts everything; a context in which it runs, after which nothing of its group is left.

    Entering it raises ProofError if the command cannot be started.

    Attributes
    ----------
    command
        What starts the services in the foreground and ends them in order at SIGTERM.
    environment
        Its environment.
    log
        The file that receives what it and its services write.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Services:
        # Appending: rsyslog opens its own standard output anew, and must not write over what others wrote.
        with self.log.open("ab") as log:
            try:
                self.process = subprocess.Popen(
                    list(self.command),
                    env=dict(self.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise ProofError(
                    f"The services cannot be started: {error.strerror}.",
                    where=shlex.join(self.command),
                    next="Prove inside the image (entrypoint prove), or name what starts the services with --start.",
                ) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop(limit_s=10)

    @property
    def exit_code(self) -> int | None:
        """The exit code (negative: the signal that ended it), or None while it runs."""
        return self.process.poll() if self.process else None

    def wait_healthy(self, port: int, deadline: float) -> bool:
        """Wait until ``/`` on ``port`` answers ``Healthy``; False if the process ends, or the deadline passes, first.

        ``deadline`` is a time of ``time.monotonic``.
        """
        while time.monotonic() < deadline:
            answer = ask(port, timeout_s=min(PROBE_S, deadline - time.monotonic()))
            if (answer.status, answer.body) == HEALTHY:
                return True
            if self.exit_code is not None:
                return False
            time.sleep(POLL_S)
        return False

    def stop(self, limit_s: float) -> tuple[float, int | None]:
        """End the services by SIGTERM; return the seconds that took and the exit code, None where it had to be killed.

        Whatever is left of the process group afterwards is killed.
        """
        if self.process is None:
            return 0.0, None
        began = time.monotonic()
        code: int | None
        self.process.terminate()
        try:
            code = self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return time.monotonic() - began, code

    def log_lines(self, start: int = 0) -> list[str]:
        """Return the lines of the log from byte ``start`` on."""
        with self.log.open("rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace").splitlines()

    def log_size(self) -> int:
        """Return the bytes that have been logged."""
        return self.log.stat().st_size
