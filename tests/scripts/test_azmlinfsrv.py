"""scripts/azmlinfsrv: an entry script in the foreground, as in the container's shell."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import KIT, free_ports, wait_until

COMMAND = KIT / "scripts/azmlinfsrv"
LIMIT_S = 60
SCRIPT = """
import os

def init():
    print("ready to load")

def run(data):
    return {"got": data, "model": os.environ.get("AZUREML_MODEL_DIR"), "here": os.getcwd(), "parent": os.getppid()}
"""


@pytest.fixture
def variables(amlenv: Path, tmp_path: Path) -> dict[str, str]:
    """The variables of a shell in the image, for the environments of these tests."""
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs/amlenv").symlink_to(amlenv)
    (tmp_path / "score.py").write_text(SCRIPT)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "CONDA_ENV_DIR": f"{tmp_path}/envs", "AZUREML_CONDA_ENVIRONMENT_PATH": str(amlenv)}


class Foreground:
    """The command on a terminal of its own."""

    def __init__(self, folder: Path, variables: dict[str, str], port: int, *arguments: str) -> None:
        self.port = port
        self.process, self._terminal = _on_a_terminal([COMMAND, "--port", str(port), *arguments], folder, variables)
        self.output = ""

    def read(self) -> str:
        """Return all that has come so far."""
        with contextlib.suppress(BlockingIOError, OSError):
            while text := os.read(self._terminal, 65536):
                self.output += text.decode(errors="replace")
        return self.output

    def score(self, text: str) -> dict[str, str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/score", text.encode(), timeout=LIMIT_S) as answer:
            return dict(json.loads(answer.read()))

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.read()
        with contextlib.suppress(OSError, urllib.error.URLError):
            return bool(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).read())
        return False

    def type(self, key: bytes) -> None:
        os.write(self._terminal, key)

    def close(self) -> None:
        """End what is left."""
        for pid in of_session(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(LIMIT_S)
        os.close(self._terminal)


def _on_a_terminal(
    command: list[str | Path], folder: Path, variables: dict[str, str]
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a command as a shell does, and return it with the terminal's other end."""
    terminal, inside = pty.openpty()
    os.set_blocking(terminal, False)
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command],
        cwd=folder, env=variables, stdin=inside, stdout=inside, stderr=inside, start_new_session=True,
    )  # fmt: skip
    os.close(inside)
    return process, terminal


def of_session(leader: int) -> list[int]:
    """Return the processes that come from ``leader``, itself too."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            mode, parent = status.read_text().rpartition(")")[2].split()[:2]
            if mode != "Z":
                parents[int(status.parent.name)] = int(parent)
    found = [leader] if leader in parents else []
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def socket_of(processes: list[int]) -> Path:
    """Return the runner's control socket, by the environment of one that knows it."""
    for pid in processes:
        for variable in Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0"):
            if variable.startswith("PUNCHEON_MODEL_SOCKET="):
                return Path(variable.partition("=")[2])
    raise LookupError(f"none of {processes} knows the socket")


@pytest.fixture
def foreground(variables: dict[str, str], tmp_path: Path) -> Iterator[Foreground]:
    """The command with the script of these tests and a model's folder."""
    (port,) = free_ports(1)
    one = Foreground(tmp_path, variables, port, "--entry_script", "score.py", "--model_dir=envs", "--worker_count", "1")
    try:
        yield one
    finally:
        one.close()


def test_it_serves_the_script_until_ctrl_c(foreground: Foreground, tmp_path: Path) -> None:
    """Where it was typed, with the model's folder; then neither process nor file is left."""
    wait_until(foreground.is_ready, LIMIT_S, "readiness")
    answer = foreground.score("abc")
    processes = of_session(foreground.process.pid)

    assert ["abc", f"{tmp_path}/envs", str(tmp_path)] == [answer[name] for name in ("got", "model", "here")]
    assert "ready to load" in foreground.read()
    socket_ = socket_of(processes)
    assert socket_.exists()

    foreground.type(b"\x03")
    wait_until(lambda: foreground.process.poll() is not None, LIMIT_S, f"the end; {foreground.read()}")

    assert 130 == foreground.process.returncode
    assert [] == [pid for pid in processes if pid in of_session(pid)]
    assert not socket_.parent.exists()


def test_a_script_that_cannot_be_loaded_ends_it(variables: dict[str, str], tmp_path: Path) -> None:
    """With the reference's exit code, and the traceback on the terminal."""
    (tmp_path / "score.py").write_text("def init(): 1 / 0\ndef run(data): pass\n")
    (port,) = free_ports(1)
    one = Foreground(tmp_path, variables, port, "--entry_script", "score.py")
    try:
        wait_until(lambda: one.read() is not None and one.process.poll() is not None, LIMIT_S, "the end")
        assert 3 == one.process.returncode
        assert "ZeroDivisionError" in one.read()
    finally:
        one.close()


MISTAKES = {
    "nothing": ([], "No entry script is named."),
    "no such script": (["--entry_script", "nothing.py"], "There is no entry script nothing.py."),
    "a folder": (["--entry_script", "envs"], "There is no entry script envs."),
    "no value": (["--entry_script"], "--entry_script is without a value."),
    "no port": (["--entry_script", "score.py", "--port", "a"], "--port a is no port."),
    "no such port": (["--entry_script", "score.py", "--port=65536"], "--port 65536 is no port."),
    "an option that there is not": (["--what", "1"], "--what is not an option."),
    "an option of the reference's": (["--health_port", "5"], "--health_port is not an option of this server."),
    "an argument": (["score.py"], "score.py is not an option."),
    "a count that is none": (["--entry_script", "score.py", "--worker_count", "0"], "WORKER_COUNT='0' is not a whole"),
}


@pytest.mark.parametrize(("arguments", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_told_with_what_to_do(
    variables: dict[str, str], tmp_path: Path, arguments: list[str], told: str
) -> None:
    """Exit code 1, as of the reference's command."""
    done = subprocess.run(
        [COMMAND, *arguments], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )

    assert 1 == done.returncode
    assert done.stderr.startswith(f"error: {told}")
    assert "next:  " in done.stderr


def test_a_port_that_is_taken_is_told(variables: dict[str, str], tmp_path: Path) -> None:
    """Before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [COMMAND, "--entry_script", "score.py", "--port", str(port)],
            cwd=tmp_path, env=variables, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert (1, True) == (done.returncode, f"Something listens on port {port} already." in done.stderr)


def test_help_names_the_options(variables: dict[str, str]) -> None:
    """In one line."""
    done = subprocess.run([COMMAND, "--help"], env=variables, capture_output=True, text=True, check=False)

    assert (0, True) == (done.returncode, done.stdout.startswith("azmlinfsrv --entry_script FILE [--port 5001]"))
