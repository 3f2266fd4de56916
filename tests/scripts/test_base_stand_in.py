"""Stand-ins for a base image that no registry gives: made of real packages, and used by real builds."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from tests.image.running import docker_cli, wait_until
from tests.scripts.shell import SCRIPTS, environment, run_script, said

pytestmark = pytest.mark.engine

# A name that no registry can have, so that it is never pulled (RFC 2606).
STAND_IN = "registry.invalid/puncheon-test/debian:bookworm-slim"


@pytest.fixture(scope="module")
def stand_in(engine: docker.DockerClient) -> Iterator[Image]:
    """A stand-in of Debian under a name of its own, from the cache where it is there."""
    result = run_script("base", "--force", STAND_IN)
    assert result.returncode == 0, result.stderr
    yield engine.images.get(STAND_IN)
    engine.images.remove(STAND_IN, force=True)


def inside(image: str, command: str) -> str:
    """Return what a shell command in a container of the image prints."""
    return subprocess.run(
        [docker_cli(), "run", "--rm", image, "sh", "-euc", command], check=True, capture_output=True, text=True
    ).stdout


def test_a_stand_in_is_marked(stand_in: Image) -> None:
    """Images built on it inherit the mark."""
    assert stand_in.labels["org.puncheon.stand-in"] == "true"
    assert stand_in.labels["org.puncheon.stand-in.for"] == STAND_IN
    assert stand_in.labels["org.puncheon.stand-in.from"] == "debian bookworm"


def test_a_stand_in_is_as_slim_as_the_official_image(stand_in: Image) -> None:
    """Official: 75 MB.  No documentation, translations, package lists or caches; licences stay."""
    assert stand_in.attrs["Size"] < 85_000_000
    listed = inside(
        STAND_IN,
        "cd /usr/share; find doc man info locale /var/lib/apt/lists /var/cache/apt -type f ! -name lock",
    ).split()
    assert [path for path in listed if not re.fullmatch(r"doc/[^/]+/copyright|locale/locale.alias", path)] == []


def test_a_stand_in_has_this_machines_source_and_certificates(stand_in: Image, tmp_path: Path) -> None:
    """What apt and TLS need in a closed network, also after the CA bundle is made anew."""
    bundle = Path(os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"))
    own = said(
        "base",
        'extra_certificates "$1" /usr/share/ca-certificates "$2"; find "$2" -type f -exec cat {} +',
        bundle,
        tmp_path,
    )

    sources = inside(STAND_IN, "cat /etc/apt/sources.list.d/debian.sources")
    assert "Suites: bookworm\n" in sources
    assert "Suites: bookworm-security\n" in sources
    assert inside(STAND_IN, "cat /etc/ssl/certs/ca-certificates.crt") == bundle.read_text()
    renewed = inside(
        STAND_IN,
        "(apt-get -qq update && apt-get -qq -y install --no-install-recommends ca-certificates) > /dev/null 2>&1;"
        " cat /etc/ssl/certs/ca-certificates.crt",
    )
    assert own == "" or all(block in renewed for block in own.split("-----END CERTIFICATE-----\n") if block)


def test_packages_leave_no_documentation_later_either(stand_in: Image) -> None:
    """The path filters stay in dpkg's settings, as in the official image."""
    assert "path-exclude /usr/share/man/*" in inside(STAND_IN, "cat /etc/dpkg/dpkg.cfg.d/docker")


def test_a_stand_in_is_kept_when_base_runs_again(stand_in: Image, engine: docker.DockerClient) -> None:
    """The second run changes nothing, and says what it is and who sees it."""
    result = run_script("base", STAND_IN)

    assert result.returncode == 0, result.stderr
    assert "it is here (stand-in," in result.stdout
    assert "other ones by now" not in result.stdout
    assert "a buildx builder in a container does not" in result.stdout
    assert engine.images.get(STAND_IN).id == stand_in.id


def test_a_wiped_engine_needs_seconds(stand_in: Image, engine: docker.DockerClient) -> None:
    """The same image, to the id, comes from the cache."""
    engine.images.remove(STAND_IN)
    began = time.monotonic()

    result = run_script("base", STAND_IN)

    assert result.returncode == 0, result.stderr
    assert "stand-in from the cache" in result.stdout
    assert "made of debian bookworm packages and not pulled" in result.stdout
    assert time.monotonic() - began < 20
    assert engine.images.get(STAND_IN).id == stand_in.id


@pytest.mark.parametrize("buildkit", ["1", "0"], ids=["BuildKit", "classic"])
def test_builders_find_it_without_a_registry(stand_in: Image, tmp_path: Path, buildkit: str) -> None:
    """`FROM` takes a local image of that name."""
    (tmp_path / "Dockerfile").write_text(f"FROM {STAND_IN}\nRUN true\n")

    result = subprocess.run(
        [docker_cli(), "build", "--quiet", tmp_path],
        env=environment(DOCKER_BUILDKIT=buildkit),
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    subprocess.run([docker_cli(), "image", "rm", result.stdout.strip()], check=True, capture_output=True)


def test_only_force_replaces_an_image(stand_in: Image, engine: docker.DockerClient, tmp_path: Path) -> None:
    """What bore the name before stays under its id."""
    (tmp_path / "Dockerfile").write_text(f"FROM {STAND_IN}\nLABEL org.puncheon.stand-in=\n")
    pulled, _ = engine.images.build(path=str(tmp_path), tag=STAND_IN, rm=True)

    kept = run_script("base", STAND_IN)
    assert kept.returncode == 0, kept.stderr
    assert "(image," in kept.stdout
    assert engine.images.get(STAND_IN).id == pulled.id

    replaced = run_script("base", "--force", STAND_IN)
    assert replaced.returncode == 0, replaced.stderr
    assert engine.images.get(STAND_IN).id == stand_in.id
    assert f"stays as {pulled.id[7:19]}" in replaced.stdout
    engine.images.remove(pulled.id)


def left_in(cache: Path) -> list[str]:
    """Return what lies in the cache beside its lock and logs."""
    return sorted(path.name for path in (cache / "puncheon/base").iterdir() if path.suffix not in {".log", ""})


def test_a_failure_leaves_nothing(tmp_path: Path, engine: docker.DockerClient) -> None:
    """The tool's reason, its log, and neither image nor files."""
    name = "registry.invalid/puncheon-test/failing/debian:bookworm-slim"
    tool = tmp_path / "bin/mmdebstrap"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho 'E: no space left'\nexit 25\n")
    tool.chmod(0o755)

    result = run_script("base", name, XDG_CACHE_HOME=tmp_path, PATH=f"{tool.parent}:{os.environ['PATH']}")

    assert result.returncode == 2
    _, where, next_ = result.stderr.splitlines()
    assert "no space left" in where
    assert "mmdebstrap.log" in next_
    assert left_in(tmp_path) == []
    assert engine.images.list(name) == []


def test_ctrl_c_leaves_nothing(tmp_path: Path, engine: docker.DockerClient) -> None:
    """Neither files nor mounts nor an image."""
    name = "registry.invalid/puncheon-test/stopped/debian:bookworm-slim"
    process = subprocess.Popen(
        [SCRIPTS / "base", name],
        env=environment(XDG_CACHE_HOME=tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: list(tmp_path.glob("puncheon/base/work.*/tmp/*/etc")), what="mmdebstrap's work")

    os.killpg(process.pid, signal.SIGINT)

    assert process.wait(60) != 0
    assert left_in(tmp_path) == []
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
    assert engine.images.list(name) == []


def test_the_same_packages_give_the_same_image(tmp_path: Path, stand_in: Image, engine: docker.DockerClient) -> None:
    """Made anew it has the same id, so a build's cache outlives it (as long as the archive has not changed)."""
    result = run_script("base", "--force", STAND_IN, XDG_CACHE_HOME=tmp_path)

    assert result.returncode == 0, result.stderr
    made = engine.images.get(STAND_IN)
    if made.attrs["Created"] == stand_in.attrs["Created"]:
        assert made.id == stand_in.id
