"""`make run`, `score`, `proof` and `stop`, by the verb that they call."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator

import docker
import pytest

from tests.image.running import KIT

NAME = "puncheon-test-run"


def container(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m puncheon container …``."""
    command = [sys.executable, "-m", "puncheon", "container", *arguments]
    return subprocess.run(command, cwd=KIT, capture_output=True, text=True, check=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def ports() -> list[str]:
    return ["--port", str(free_port()), "--gunicorn-port", str(free_port())]


@pytest.fixture(autouse=True)
def nothing_left(engine: docker.DockerClient) -> Iterator[None]:
    yield
    for left in engine.containers.list(all=True, filters={"name": NAME}):
        left.remove(force=True)


def test_run_score_and_stop(image: str, ports: list[str]) -> None:
    """The image starts, answers on both ports, and goes without a trace."""
    started = container("run", image, "--name", NAME, *ports)
    scored = container("score", str(KIT / "input_example.json"), *ports)
    again = container("run", image, "--name", NAME, *ports)
    stopped = container("stop", "--name", NAME)

    assert (0, 0, 2, 0) == (started.returncode, scored.returncode, again.returncode, stopped.returncode)
    assert f"{NAME} is ready after" in started.stdout
    assert 2 == scored.stdout.count("[0, 0]")
    assert f"error: The container '{NAME}' runs already." in again.stderr
    assert f"{NAME} stopped in" in stopped.stdout


def test_a_port_in_use_is_named_with_the_way_round(image: str, ports: list[str]) -> None:
    """The engine is not asked to bind what something else holds."""
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", int(ports[1])))
        holder.listen()

        refused = container("run", image, "--name", NAME, *ports)

    assert 2 == refused.returncode
    assert f"error: Port {ports[1]} is in use on this machine." in refused.stderr
    assert "make run PORT=5001" in " ".join(refused.stderr.split())


def test_an_image_that_is_not_there_is_said_so(ports: list[str]) -> None:
    """The next step is to build it."""
    refused = container("run", "puncheon-test/nothing:latest", "--name", NAME, *ports)

    assert (2, True) == (refused.returncode, "There is no image 'puncheon-test/nothing:latest'" in refused.stderr)


def test_a_container_that_ends_at_once_shows_its_cause(image: str, ports: list[str]) -> None:
    """`make run` with an impossible setting prints the container's own words."""
    refused = container("run", image, "--name", NAME, *ports, "-e", "PROXY_TIMEOUT=5")

    assert 2 == refused.returncode
    assert "exit code 2" in refused.stderr
    assert "PROXY_TIMEOUT=5 s is not above" in refused.stderr


def test_memory_that_does_not_hold_the_model_is_said_so(image: str, ports: list[str]) -> None:
    """The limit is in the message, not a traceback of the engine."""
    refused = container("run", image, "--name", NAME, *ports, "--memory", "100m")

    assert 2 == refused.returncode
    assert "want of memory" in refused.stderr


def test_the_proof_is_shown_from_the_image_and_can_be_made_again(image: str) -> None:
    """Without resources the record of the build; with them a new one, in a real container."""
    shown = container("proof", image)
    again = container("proof", image, "-e", "WORKER_COUNT=2")
    raw = json.loads(container("proof", image, "--json").stdout)

    assert (0, 0) == (shown.returncode, again.returncode), again.stderr
    assert "proven" in shown.stdout
    assert "proven" in again.stdout
    assert "proven" == raw["status"]


def test_an_engine_that_does_not_answer_is_said_so(ports: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The next step is `make engine`."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    refused = container("run", "any", "--name", NAME, *ports)

    assert (2, True) == (refused.returncode, "next:  make engine" in refused.stderr)
