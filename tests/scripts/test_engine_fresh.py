"""Machines where nothing is installed: containers of the base image, with the kit's scripts mounted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest
from docker.models.containers import Container
from docker.types import Mount

from tests.scripts.shell import SCRIPTS, said

pytestmark = pytest.mark.engine

# What dockerd needs inside a container.
RIGHTS: dict[str, Any] = {
    "cap_add": ["SYS_ADMIN", "NET_ADMIN"],
    "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
    "device_cgroup_rules": ["a *:* rwm"],
}


@pytest.fixture
def machine() -> Iterator[Callable[..., Container]]:
    """Start a machine; the kit lies at /kit."""
    client = docker.from_env()
    machines: list[Container] = []

    def start(**options: Any) -> Container:
        container = client.containers.create(
            said("base", 'echo "$(full_name "$(default_image)")"'),
            ["sleep", "infinity"],
            init=True,
            mounts=[
                Mount("/kit/scripts", str(SCRIPTS), type="bind", read_only=True),
                # An overlay cannot lie on an overlay: dockerd's data go to a volume.
                Mount("/var/lib/docker", None, type="volume"),
            ],
            **options,
        )
        machines.append(container)
        container.start()
        return container

    yield start
    for container in machines:
        container.remove(force=True, v=True)
    client.close()


def make_engine(machine: Container, before: str = "true", user: str = "root") -> tuple[int, list[str], list[str]]:
    """Run ``before`` and scripts/engine; return its exit code, and the lines of stdout and stderr."""
    code, (out, error) = machine.exec_run(["bash", "-c", f"{before}; /kit/scripts/engine"], user=user, demux=True)
    return code, (out or b"").decode().splitlines(), (error or b"").decode().splitlines()


def test_docker_is_installed_and_started(machine: Callable[..., Container]) -> None:
    """Root, apt, and nothing else: afterwards the engine answers, and a second call finds it."""
    fresh = machine(**RIGHTS)

    code, out, error = make_engine(fresh)

    assert code == 0, error
    assert any("was started at unix:///var/run/docker.sock" in line for line in out)
    assert any("BuildKit (built in" in line or "BuildKit (buildx" in line for line in out)
    code, out, error = make_engine(fresh)
    assert (code, "answers at" in out[0]) == (0, True)


def test_without_the_rights_the_daemons_own_reason_is_shown(machine: Callable[..., Container]) -> None:
    """A container without privileges cannot hold an engine, and is told so."""
    code, _, error = make_engine(machine())

    assert code == 4, error
    assert len(error) == 3
    assert error[0] == "error: The Docker daemon does not start."
    assert "--privileged" in error[2]


def test_without_a_network_apts_own_reason_is_shown(machine: Callable[..., Container]) -> None:
    """Which source did not answer, and where the log is."""
    code, _, error = make_engine(machine(network_mode="none"))

    assert code == 3
    assert len(error) == 3
    assert "Failed to fetch" in error[0]
    assert "/var/log/puncheon-apt.log" in error[2]


@pytest.mark.parametrize(
    ("before", "user", "next_line"),
    [
        pytest.param("true", "1000", "sudo make engine", id="not root"),
        pytest.param("mv /usr/bin/apt-get /tmp", "root", "package manager", id="no apt"),
    ],
)
def test_where_nothing_may_be_done_three_lines_say_what_to_do(
    machine: Callable[..., Container], before: str, user: str, next_line: str
) -> None:
    """Nothing is tried and nothing is left."""
    code, out, error = make_engine(machine(network_mode="none"), before, user)

    assert (code, out) == (2, [])
    assert len(error) == 3
    assert next_line in error[2]
