"""Containers and builds as tests see them: asked, watched, stopped; nothing here asserts a contract."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import testinfra
from docker.models.containers import Container

KIT = Path(__file__).resolve().parents[2]
BASE_PATH = "./online_endpoint/azx_mlflow"
SERVERS = ("puncheon", "azmlinfsrv")
IMAGES = {"puncheon": "puncheon-test/azx_mlflow:latest", "azmlinfsrv": "puncheon-test/azmlinfsrv:latest"}
"""Tags of the demo model's images, by server."""

BOTH_SERVERS = pytest.mark.parametrize("server", SERVERS, indirect=True)
"""For what our own server and azmlinfsrv have in common."""


def wait_until(condition: Callable[[], object], limit_s: float = 60, what: str = "the condition") -> float:
    """Return the seconds until ``condition`` was true; fail after ``limit_s``."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit_s:
            pytest.fail(f"{what} was not met within {limit_s} s")
        time.sleep(0.02)
    return time.monotonic() - began


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; status 0 stands for a connection that gave none."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)


def ask(
    url: str, body: bytes | str | None = None, method: str | None = None, timeout_s: float = 30, **headers: str
) -> Answer:
    """Send one request with a JSON content type; an error status is an answer too."""
    data = body.encode() if isinstance(body, str) else body
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **names}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return Answer(response.status, response.read().decode(), dict(response.headers))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode(), dict(error.headers))
    except OSError as error:
        return Answer(0, str(error))


@dataclass
class Running:
    """A container that a test started, asked at its own address and not through a published port."""

    container: Container

    @property
    def address(self) -> str:
        self.container.reload()
        return str(self.container.attrs["NetworkSettings"]["IPAddress"])

    def url(self, path: str = "/", port: int = 5000) -> str:
        return f"http://{self.address}:{port}{path}"

    def wait_ready(self, port: int = 5000) -> float:
        """Return the seconds until ``/`` answered 200."""

        def ready() -> bool:
            self.container.reload()
            if self.container.status == "exited":
                pytest.fail(f"the container ended before it was ready:\n{self.log()[-3000:]}")
            return bool(self.address) and ask(self.url(port=port), timeout_s=2).status == 200

        return wait_until(ready, what="readiness")

    def log(self) -> str:
        return self.container.logs().decode(errors="replace")

    def execute(self, *command: str) -> str:
        """Run a command inside with the image's environment and return its output; fail where it fails."""
        code, output = self.container.exec_run(list(command))
        text = str(output.decode(errors="replace"))
        assert code == 0, f"{command} ended with {code}:\n{text}"
        return text

    def stop(self) -> tuple[float, int]:
        """Stop as `docker stop` does; return the seconds it took and the container's exit code."""
        began = time.monotonic()
        self.container.stop()
        seconds = time.monotonic() - began
        return seconds, self.exit_code()

    def exit_code(self) -> int:
        return int(self.container.wait(timeout=60)["StatusCode"])

    @property
    def host(self) -> Any:
        """The container for testinfra."""
        return testinfra.get_host(f"docker://{self.container.id}")


def docker_cli() -> str:
    """Return the path of the docker command that `make` uses."""
    return subprocess.run(
        [KIT / "scripts/engine", "--client"], check=True, capture_output=True, text=True
    ).stdout.strip()


def build(
    repository: Path, artifact_path: str, tag: str, *arguments: str, buildkit: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run the README's `docker build` line in ``repository``; the result's stdout holds both streams."""
    command = [
        docker_cli(),
        "build",
        "--build-arg",
        f"ARTIFACT_PATH={artifact_path}",
        "--build-arg",
        f"BASE_PATH={BASE_PATH}",
        *arguments,
        "-t",
        tag,
        "-f",
        f"{BASE_PATH}/Dockerfile",
        ".",
    ]
    environment = {**os.environ, "DOCKER_BUILDKIT": "1" if buildkit else "0", "BUILDKIT_PROGRESS": "plain"}
    return subprocess.run(
        command,
        cwd=repository,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def built(*arguments: Any, **named: Any) -> str:
    """Build, fail where the build fails, and return its log."""
    done = build(*arguments, **named)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def copy_kit(target: Path) -> Path:
    """Copy what git tracks, and the local channel where there is one."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=KIT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (KIT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(KIT / name, target / name)
    channel = KIT / "conda/channel"
    if channel.exists():
        shutil.copytree(channel, target / "conda/channel", copy_function=os.link)
    return target


def put_file(container: Container, path: str, text: str) -> None:
    """Write one file into a container that need not run; its folders are made."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo(path.lstrip("/"))
        member.size, member.mode = len(text.encode()), 0o644
        tar.addfile(member, io.BytesIO(text.encode()))
    container.put_archive("/", archive.getvalue())
