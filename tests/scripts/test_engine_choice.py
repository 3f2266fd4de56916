"""Which docker client is chosen, and what is advised: decisions, made on planted clients."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scripts.shell import run_script, said, source

CLIENT = """#!/bin/sh
case "$1 ${{2:-}}" in
    "--version ") echo "{version}" ;;
    "buildx version") exit {no_buildx} ;;
    "build --help") [ "{built_in}${{DOCKER_BUILDKIT:-}}" = yes1 ] && echo "  --secret stringArray"; exit 0 ;;
    "version "*) {server} ;;
    "context "*) echo unix:///var/run/docker.sock ;;
esac
"""
ANSWERS = "echo 20.10.24"
SILENT = "echo 'Cannot connect to the Docker daemon at unix:///x' >&2; exit 1"
TOO_OLD = "echo 'client version 1.41 is too old. Minimum supported API version is 1.44' >&2; exit 1"


def plant(
    folder: Path,
    version: str = "Docker version 20.10.24+dfsg1, build 297e128",
    *,
    buildx: bool = False,
    built_in: bool = False,
    server: str = ANSWERS,
) -> Path:
    """Write a `docker` command into ``folder`` that answers as the client that is described."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "docker"
    path.write_text(
        CLIENT.format(version=version, no_buildx=int(not buildx), built_in="yes" if built_in else "no", server=server)
    )
    path.chmod(0o755)
    return path


def chosen(*clients: Path) -> str:
    """Return the client that is chosen where these stand on PATH in this order."""
    listed = 'planted=("$@"); client_candidates() { printf "%s\n" "${planted[@]}"; }'
    return said("engine", f"{listed}; choose_client", *clients)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"buildx": True}, "buildx", id="plugin"),
        pytest.param({"built_in": True}, "buildkit", id="built in, as in Debian's 20.10"),
        pytest.param({"version": "Docker version 28.2.2, build e6534b4"}, "classic", id="newer, without the plugin"),
        pytest.param({"version": "podman version 4.3.1"}, "buildah", id="podman under docker's name"),
        pytest.param({"version": ""}, "", id="not a client at all"),
    ],
)
def test_builders_of_a_client(tmp_path: Path, options: dict[str, bool | str], expected: str) -> None:
    """A client is asked for what it can do, not for its number."""
    assert said("engine", 'builders_of "$1"', plant(tmp_path, **options)) == expected  # type: ignore[arg-type]


def test_a_client_with_buildkit_is_preferred_to_the_first_on_path(tmp_path: Path) -> None:
    """A newer static client may stand first on PATH and have no BuildKit."""
    newer = plant(tmp_path / "local", "Docker version 28.2.2, build e6534b4")
    debian = plant(tmp_path / "usr", built_in=True)

    assert chosen(newer, debian) == str(debian)


def test_a_client_that_is_too_old_for_the_engine_is_passed_over(tmp_path: Path) -> None:
    """BuildKit is of no use in a client that the engine refuses."""
    old = plant(tmp_path / "old", built_in=True, server=TOO_OLD)
    new = plant(tmp_path / "new", "Docker version 29.0.0, build 1")

    assert chosen(old, new) == str(new)


def test_docker_is_preferred_to_podman(tmp_path: Path) -> None:
    """An imitation comes last, and is better than nothing."""
    podman = plant(tmp_path / "podman", "podman version 4.3.1")
    docker = plant(tmp_path / "docker")

    assert (chosen(podman, docker), chosen(podman)) == (str(docker), str(podman))


def test_a_client_that_is_reached_twice_counts_once(tmp_path: Path) -> None:
    """/bin and /usr/bin are the same folder on a merged system."""
    first = plant(tmp_path / "usr")
    (tmp_path / "bin").symlink_to(tmp_path / "usr")
    path = f"{tmp_path / 'usr'}:{tmp_path / 'bin'}:/usr/bin:/bin"

    candidates = said("engine", f'PATH="{path}"; client_candidates').splitlines()

    assert [line for line in candidates if line.startswith(str(tmp_path))] == [str(first)]


def test_client_prints_the_path_and_nothing_else(tmp_path: Path) -> None:
    """`$(scripts/engine --client)` is how make calls docker."""
    client = plant(tmp_path, buildx=True)

    result = run_script("engine", "--client", PATH=f"{tmp_path}:/usr/bin:/bin")

    assert (result.returncode, result.stdout, result.stderr) == (0, f"{client}\n", "")


def test_json_is_read_by_scripts(tmp_path: Path) -> None:
    """The state as JSON, without changing it; exit code 2 where no engine answers."""
    client = plant(tmp_path / 'with "quotes"', buildx=True, server=SILENT)

    result = run_script("engine", "--json", PATH=f"{client.parent}:/usr/bin:/bin", DOCKER_HOST="unix:///nowhere.sock")

    assert result.returncode == 2
    state = json.loads(result.stdout)
    assert (state["answers"], state["client"], state["host"]) == (False, str(client), "unix:///nowhere.sock")
    assert state["builders"] == ["buildkit", "classic"]


@pytest.mark.parametrize(
    ("facts", "next_line"),
    [
        pytest.param("uname() { echo Darwin; }", "start Docker Desktop (or: colima start)", id="macOS"),
        pytest.param("is_wsl() { true; }", "its WSL integration", id="WSL"),
        pytest.param("is_root() { true; }; has() { false; }", "this system's package manager", id="root without apt"),
        pytest.param("is_root() { false; }; has() { true; }", "sudo make engine", id="not root, apt is there"),
        pytest.param("is_root() { false; }; has() { false; }", "rootless", id="not root, no apt"),
        pytest.param("complaint='dial unix: permission denied'", "usermod -aG docker", id="not in the group"),
    ],
)
def test_advice_is_three_lines(facts: str, next_line: str) -> None:
    """Where nothing can be done here, the reader is told what to do."""
    result = source("engine", f"is_wsl() {{ false; }}; {facts}; advise", variables={"XDG_RUNTIME_DIR": "/nonexistent"})

    assert (result.returncode, result.stdout) == (2, "")
    what, where, next_ = result.stderr.splitlines()
    assert (what[:7], where[:7], next_[:7]) == ("error: ", "where: ", "next:  ")
    assert next_line in next_


def test_an_engine_that_was_chosen_is_never_replaced() -> None:
    """DOCKER_HOST that does not answer is the user's to mend: nothing is installed or started."""
    result = run_script("engine", DOCKER_HOST="tcp://127.0.0.1:9")

    assert (result.returncode, result.stdout) == (2, "")
    assert "tcp://127.0.0.1:9" in result.stderr.splitlines()[0]


def test_an_unknown_context_is_not_this_machines_engine() -> None:
    """DOCKER_CONTEXT counts as a choice too."""
    result = run_script("engine", DOCKER_CONTEXT="nosuch")

    assert (result.returncode, result.stdout) == (2, "")
    assert "nosuch" in result.stderr.splitlines()[0]


def test_an_unknown_option_is_refused() -> None:
    """With the options that exist."""
    result = run_script("engine", "--nosuch")

    assert result.returncode == 2
    assert "[--client | --json]" in result.stderr


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        pytest.param(
            'time="2026-01-01T00:00:00Z" level=info msg="Starting up"\n'
            "failed to start daemon: error initializing graphdriver: driver not supported\n",
            "failed to start daemon: error initializing graphdriver: driver not supported",
            id="last word",
        ),
        pytest.param(
            'time="2026-01-01T00:00:00Z" level=fatal msg="no \\"cgroup\\" here"\n', 'no "cgroup" here', id="a level"
        ),
        pytest.param(
            "Status: unknown flag: --nosuch\nSee 'dockerd --help'., Code: 125\n",
            "Status: unknown flag: --nosuch",
            id="a flag",
        ),
        pytest.param("what is this\n", "what is this", id="nothing known"),
        pytest.param(None, "", id="no log"),
    ],
)
def test_cause_in_a_daemons_log(tmp_path: Path, log: str | None, cause: str) -> None:
    """One line of a long log says why."""
    path = tmp_path / "dockerd.log"
    if log is not None:
        path.write_text(log)

    assert said("engine", 'daemon_cause "$1"', path) == cause


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [
        ("failed to create NAT chain DOCKER: iptables failed: Failed to initialize nft", "iptables-legacy"),
        ("error creating overlay mount: operation not permitted", "--privileged"),
        ("Devices cgroup isn't mounted", "cgroupfs-mount"),
        ("write /var/lib/docker/x: no space left on device", "--data-root"),
        ("something new", "dockerd.log"),
    ],
)
def test_remedies(cause: str, remedy: str) -> None:
    """Known causes have a known way out; the others have a log."""
    assert remedy in said("engine", 'remedy "$1"', cause)
