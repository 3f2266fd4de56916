"""The real inference server outside a container: environments that hold it, and processes that run it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

KIT = Path(__file__).resolve().parents[1]
ENTRY_SCRIPT = KIT / "runner/mlflow_score_script.py"


def wait_until(condition: Callable[[], object], limit_s: float = 120, what: str = "the condition") -> None:
    """Fail if ``condition`` is not true within ``limit_s``."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} was not met within {limit_s} s")
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def make_environment(folder: Path, python: str, *packages: str) -> Path:
    """Make a virtual environment with packages from the index; return its folder."""
    uv = str(Path(sys.executable).with_name("uv"))
    variables = {"UV_SYSTEM_CERTS": "1", **os.environ}
    for command in (
        [uv, "venv", "--quiet", "--python", python, str(folder)],
        [uv, "pip", "install", "--quiet", "--python", str(folder / "bin/python"), *packages],
    ):
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder


def find_python(version: str) -> str:
    """Return an interpreter of this minor version, from PATH or pyenv's place; this very one where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"versions/{version}.*/bin/python"))]
    for candidate in map(str, filter(None, candidates)):
        if subprocess.run([candidate, "-c", "import venv"], capture_output=True, check=False).returncode == 0:
            return candidate
    return sys.executable


@dataclass(frozen=True)
class Server:
    """A running azmlinfsrv."""

    port: int
    log: Path

    def score(self, body: Any, content_type: str = "application/json") -> tuple[int, Any]:
        """POST a body (JSON, or bytes as they are) to /score; return status and parsed answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": content_type}
        return self._open(urllib.request.Request(f"http://127.0.0.1:{self.port}/score", data, headers))

    def get(self, path: str) -> tuple[int, Any]:
        return self._open(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}"))

    def is_healthy(self) -> bool:
        with (
            contextlib.suppress(OSError, ValueError),
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2) as response,
        ):
            return bool(response.read() == b"Healthy")
        return False

    def _open(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


def server_variables(model_dir: Path, environment: Path) -> dict[str, str]:
    """Return the variables with which the image starts azmlinfsrv, for another place."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "AML_APP_ROOT": str(ENTRY_SCRIPT.parent),
        "AZUREML_ENTRY_SCRIPT": ENTRY_SCRIPT.name,
        "AZUREML_MODEL_DIR": str(model_dir),
        "AZUREML_CONDA_ENVIRONMENT_PATH": str(environment),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@contextlib.contextmanager
def serve(model_dir: Path, environment: Path, log: Path) -> Iterator[Server]:
    """Run azmlinfsrv of ``environment`` with the kit's entry script until the block ends."""
    (port,) = free_ports(1)
    server = Server(port, log)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [environment / "bin/azmlinfsrv", "--entry_script", ENTRY_SCRIPT, "--port", str(port)],
            cwd=ENTRY_SCRIPT.parent,
            env=server_variables(model_dir, environment),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: server.is_healthy() or process.poll() is not None, what="readiness")
        assert process.poll() is None, log.read_text()[-3000:]
        yield server
    finally:
        process.terminate()
        process.wait(30)
