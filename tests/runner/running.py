"""The runner as a process of its own, with an entry script, as the service ``model`` starts it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from puncheon.proof.workers import RUNNER, ask
from puncheon_runner.protocol import Answer, Frame, Request, pack_frame, unpack_messages
from tests.serving import wait_until

SCRIPTS = Path(__file__).with_name("scripts")
LIMIT_S = 30.0
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
"""What a runner keeps of this process's environment."""

PRELOAD = {"preloaded": "true", "loaded by each worker": "false"}
"""The values of WORKER_PRELOAD, by what they mean."""

OK = {"do": "answer", "value": 1}
"""A request to ``faulty.py`` that is answered with 1."""

State = dict[str, Any]


class Runner:
    """A running ``python -m puncheon_runner`` and all that its control socket has told.

    Attributes
    ----------
    told
        Every state, oldest first.
    """

    def __init__(self, process: subprocess.Popen[bytes], control: Path, log: Path) -> None:
        self.process = process
        self.control = control
        self.log_file = log
        self.told: list[State] = []
        self._peer: socket.socket | None = None
        self._data = b""

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    @property
    def state(self) -> State:
        """What was told last; waits for the first."""
        self.until(lambda _: True)
        return self.told[-1]

    def worker(self, slot: int = 0) -> State:
        return dict(self.state["workers"][slot])

    def until(self, condition: Callable[[State], object], limit_s: float = LIMIT_S) -> State:
        """Return the last state if it meets the condition, or else the first that does; fail after ``limit_s``."""
        deadline = time.monotonic() + limit_s
        while self._read(0):
            pass
        while not (self.told and condition(self.told[-1])):
            if time.monotonic() > deadline:
                pytest.fail(f"not told within {limit_s} s, last {self.told[-1:]}; log:\n{self.log[-3000:]}")
            self._read(max(0.0, deadline - time.monotonic()))
        return self.told[-1]

    def until_ready(self) -> State:
        """Wait until every worker is ready."""
        return self.until(lambda state: state["workers"] and all(worker["ready"] for worker in state["workers"]))

    def send(self, *requests: Any, limit_s: float = LIMIT_S, slot: int = 0) -> dict[int, tuple[int, Any]]:
        """Send requests (JSON, or bytes as they are) in one frame; return status and body by place.

        Those that a dying worker leaves unanswered are missing.
        """
        bodies = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in requests]
        answered = ask(str(self.worker_socket(slot)), bodies, limit_s)
        return {answer.place: (answer.status, json.loads(answer.body)) for answer in answered.answers}

    def value(self, request: Any, **options: Any) -> Any:
        """Return the answer to one request, which must succeed."""
        status, value = self.send(request, **options)[0]
        assert 200 == status, value
        return value

    def worker_socket(self, slot: int) -> Path:
        return self.control.with_name(f"{self.control.stem}-{slot}{self.control.suffix}")

    def exchange(self, requests: Sequence[Request], limit_s: float = LIMIT_S) -> list[list[Answer]]:
        """Send requests of any form in one frame to the first worker; return the answers of each message."""
        messages: list[list[Answer]] = []
        data = bytearray()
        with self.connect() as peer:
            peer.settimeout(limit_s)
            peer.sendall(b"".join(pack_frame(Frame(requests, int(limit_s * 1000), os.getpid(), 1))))
            while sum(map(len, messages)) < len(requests):
                received = peer.recv(1 << 20)
                assert received, f"the worker has ended; log:\n{self.log[-3000:]}"
                data += received
                messages += [answers for answers, _ in unpack_messages(data)]
        return messages

    def connect(self, slot: int = 0) -> socket.socket:
        """Return a connection to a worker."""
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(str(self.worker_socket(slot)))
        return peer

    def send_on(self, peer: socket.socket, *requests: Any, limit_s: float = LIMIT_S) -> None:
        """Send a frame and do not wait for its answers."""
        sent = [Request(b"", json.dumps(one).encode()) for one in requests]
        peer.sendall(b"".join(pack_frame(Frame(sent, int(limit_s * 1000), os.getpid(), 1))))

    def ask(self, body: bytes = b"", *headers: tuple[str, str], id: str = "", **head: str) -> Answer:
        """Send one request with its head and return its answer."""
        about = json.dumps({"method": "POST", **head, "headers": headers}).encode()
        with self.connect() as peer:
            peer.settimeout(LIMIT_S)
            peer.sendall(b"".join(pack_frame(Frame([Request(id.encode(), body, about)], 30_000, os.getpid(), 1))))
            data = bytearray()
            while not (answers := [one for told, _ in unpack_messages(data) for one in told]):
                data += peer.recv(1 << 20)
        return answers[0]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal to the runner alone and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(LIMIT_S)

    def wait(self) -> int:
        """Return the exit code of a runner that ends of itself."""
        return self.process.wait(LIMIT_S)

    def last_words(self) -> State:
        """Return the last state of a runner that has ended."""
        while self._read(LIMIT_S):
            pass
        return self.told[-1]

    def processes(self) -> list[int]:
        """Return what lives of the runner and its workers."""
        return [pid for pid in _in_group(self.process.pid) if _mode(pid) != "Z"]

    def sleeps(self, pid: int) -> bool:
        """Whether a process waits for something to happen."""
        return _mode(pid) == "S"

    def _read(self, wait_s: float) -> bool:
        """Take in what the control socket tells within ``wait_s``; False where it tells nothing, or ends."""
        if self._peer is None:
            wait_until(self._connect, LIMIT_S, "the control socket")
        peer = self._peer
        assert peer is not None
        if not select.select([peer], [], [], wait_s)[0]:
            return False
        try:
            received = peer.recv(1 << 20)
        except ConnectionResetError:
            received = b""
        if not received:
            # The runner has ended, or begun anew.
            peer.close()
            self._peer = None
            return False
        *lines, self._data = (self._data + received).split(b"\n")
        self.told += [json.loads(line) for line in lines]
        return True

    def _connect(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"the runner has ended: {self.process.poll()}; log:\n{self.log[-3000:]}")
        peer = socket.socket(socket.AF_UNIX)
        try:
            peer.connect(str(self.control))
        except OSError:
            peer.close()
            return False
        self._peer = peer
        return True

    def close(self) -> None:
        """End everything, whatever state it is in."""
        if self._peer is not None:
            self._peer.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(LIMIT_S)


@contextlib.contextmanager
def run(
    script: Path, folder: Path, python: str | Path = sys.executable, program: Path = RUNNER, **variables: str
) -> Iterator[Runner]:
    """Run the runner below ``program`` with a script until the block ends; its sockets and log lie in ``folder``."""
    control, log = folder / "model.sock", folder / "log"
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "puncheon_runner"],
            cwd=program,
            env={
                **kept,
                "AML_APP_ROOT": str(script.parent),
                "AZUREML_ENTRY_SCRIPT": script.name,
                "PUNCHEON_MODEL_SOCKET": str(control),
                "PYTHONDONTWRITEBYTECODE": "1",
                **variables,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    runner = Runner(process, control, log)
    try:
        yield runner
    finally:
        runner.close()


def write_script(folder: Path, *lines: str) -> Path:
    """Write an entry script; return its path."""
    path = folder / "main.py"
    path.write_text("\n".join(lines) + "\n")
    return path


def _in_group(group: int) -> Sequence[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[2]) == group:
                found.append(int(status.parent.name))
    return found


def _mode(pid: int) -> str:
    """Return a process's state as the kernel's one letter (proc_pid_stat(5)); Z for one that is no more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


Start = Callable[..., Runner]
"""What the fixture ``start`` gives."""
