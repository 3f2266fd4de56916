"""CPython from the distribution's source, compiled in the base image (from the cache where it is there)."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import rattler
from docker.models.containers import Container
from rattler.package_streaming import extract

from puncheon.channel.cli import default_base
from puncheon.channel.cpython import Base, cause, compile_cpython, follow, inspect_base
from puncheon.channel.index import packages
from puncheon.channel.package import verify_package
from puncheon.channel.progress import Progress
from puncheon.channel.store import KIT
from puncheon.errors import ChannelError, EngineError
from tests.puncheon.channel.environments import STANDARD_MODULES, Environment, install

PREFIX = "/opt/miniconda/envs/userenv"
BASE_IMAGE = default_base(KIT / "Dockerfile")


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    """The engine; a test that needs one fails where there is none."""
    engine = docker.from_env()
    engine.ping()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in channel, as `scripts/channel --force` makes it."""
    folder = tmp_path_factory.mktemp("made") / "channel"
    subprocess.run(
        [sys.executable, "-m", "puncheon", "channel", "--force", "--channel", str(folder)], cwd=KIT, check=True
    )
    return folder


@pytest.fixture(scope="module")
def environment(channel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment of its python and the pip that a model asks for."""
    return install(channel, tmp_path_factory.mktemp("environment") / "env", "python=3.11", "pip<=23.2.1")


@pytest.fixture(scope="module")
def container(client: docker.DockerClient, environment: Environment) -> Iterator[Container]:
    """A bare container of the base image, with the environment copied to another place in it."""
    running = client.containers.run(BASE_IMAGE, ["sleep", "600"], detach=True, init=True)
    try:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(environment.prefix, arcname=PREFIX)
        running.put_archive("/", archive.getvalue())
        yield running
    finally:
        running.remove(force=True)


def run(container: Container, *command: str, **environment: str) -> str:
    status, output = container.exec_run(list(command), environment=environment)
    assert 0 == status, output.decode()
    return str(output.decode().strip())


@pytest.mark.engine
def test_every_package_reads_back(channel: Path) -> None:
    """Each file has the size and the sha256 that its record says."""
    for package in packages(channel):
        verify_package(package)


@pytest.mark.engine
def test_the_standard_library_works_in_a_bare_base(container: Container) -> None:
    """Without one of apt's packages: the shared libraries are in the package."""
    run(container, f"{PREFIX}/bin/python", "-W", "ignore", "-c", f"import {STANDARD_MODULES}, crypt")


@pytest.mark.engine
def test_only_glibc_is_the_systems(container: Container) -> None:
    """A foreign libpython or libssl on LD_LIBRARY_PATH is not loaded."""
    run(container, "mkdir", "-p", "/foreign")
    run(container, "touch", "/foreign/libpython3.11.so.1.0", "/foreign/libssl.so.3")
    code = f"import {STANDARD_MODULES}; print(open('/proc/self/maps').read())"
    maps = run(container, f"{PREFIX}/bin/python", "-c", code, LD_LIBRARY_PATH="/foreign")
    outside = {Path(word).name for word in maps.split() if ".so" in word and not word.startswith(PREFIX)}

    assert outside
    assert all(name.startswith(("libc.", "libm.", "ld-linux", "libdl.", "libpthread.")) for name in outside), outside


@pytest.mark.engine
def test_tls_trusts_what_the_system_trusts(container: Container) -> None:
    """OpenSSL looks where Debian and Ubuntu keep their certificates."""
    code = "import ssl; print(ssl.get_default_verify_paths().openssl_capath)"

    assert "/usr/lib/ssl/certs" == run(container, f"{PREFIX}/bin/python", "-c", code)


@pytest.mark.engine
def test_the_security_fixes_are_named(environment: Environment, channel: Path) -> None:
    """What of the distribution's patches is in can be read from the package."""
    (package,) = channel.glob("linux-*/python-*.conda")
    folder = environment.prefix.with_name("extracted")
    extract(package, folder)
    extra = rattler.AboutJson.from_package_directory(folder).extra

    assert "security-fixes" in extra
    assert (folder / "info/licenses/python.txt").is_file()
    assert (folder / "info/licenses/libssl3.txt").is_file()


@pytest.mark.engine
def test_no_trace_of_the_placeholder_is_left(environment: Environment) -> None:
    """Neither in text nor in binaries."""
    files = [path for path in environment.prefix.rglob("*") if path.is_file() and "conda-meta" not in path.parts]

    assert [] == [path for path in files if b"puncheon_placeholder" in path.read_bytes()]


@pytest.mark.engine
def test_it_is_small(environment: Environment) -> None:
    """Tests, Tk, the static library and bundled wheels are left out."""
    size = sum(path.lstat().st_size for path in environment.prefix.rglob("*") if path.is_file())

    assert size < 70e6


@pytest.mark.engine
def test_a_second_clone_takes_seconds(channel: Path, tmp_path: Path) -> None:
    """From the cache: nothing is compiled, nothing fetched, the files are the same."""
    done = subprocess.run(
        [sys.executable, "-m", "puncheon", "channel", "--force", "--channel", str(tmp_path / "channel")],
        cwd=KIT,
        check=True,
        capture_output=True,
        text=True,
    )

    assert "compile" not in done.stdout
    for path in packages(channel):
        assert path.read_bytes() == (tmp_path / "channel" / path.relative_to(channel)).read_bytes()
    for path in channel.glob("*/repodata.json"):
        assert path.read_bytes() == (tmp_path / "channel" / path.relative_to(channel)).read_bytes()


@pytest.mark.engine
def test_a_failed_compilation_says_why_and_leaves_nothing(client: docker.DockerClient, tmp_path: Path) -> None:
    """A series that the distribution does not have: its own word for it, the log's place, and another way."""
    base = inspect_base(client, BASE_IMAGE)
    log = tmp_path / "log"
    with pytest.raises(ChannelError) as raised:
        compile_cpython(client, base, "3.99", tmp_path / "out", log, Progress())
    report = raised.value.report(200)

    assert "python3.99" in report
    assert str(log) in report
    assert "--from-prefix" in report
    assert len(report.splitlines()) < 24
    assert ["log"] == [path.name for path in tmp_path.iterdir()]
    assert [] == [left for left in client.containers.list(all=True) if "SERIES=3.99" in left.attrs["Config"]["Env"]]


@pytest.mark.engine
def test_an_absent_base_image_is_named(client: docker.DockerClient) -> None:
    """With what makes one."""
    with pytest.raises(EngineError) as raised:
        inspect_base(client, "localhost:1/nowhere:none")

    assert "localhost:1/nowhere:none" == raised.value.where


def test_a_log_tells_its_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """However the engine cuts the stream into pieces; the whole of it is kept."""
    follow([b"noise\n## so", b"urce\n", b"more\n## comp", b"ile\nend"], tmp_path / "log", Progress())

    told = [line.split("] ")[1] for line in capsys.readouterr().out.splitlines()]

    assert ["python: source", "python: compile"] == told
    assert "noise\n## source\nmore\n## compile\nend" == (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param(["a", "x.c:1: error: no", "b"], ["x.c:1: error: no"], id="compiler"),
        pytest.param(["Get:1", "E: Unable to find a source package"], ["E: Unable to find a source package"], id="apt"),
        pytest.param(["one", "two"], ["one", "two"], id="no complaint: the end"),
        pytest.param([f"error: {n}" for n in range(99)], [f"error: {n}" for n in range(91, 99)], id="many: the last"),
    ],
)
def test_the_cause_is_taken_from_the_log(log: list[str], expected: list[str]) -> None:
    """A screen has no room for a compiler's log."""
    assert expected == cause(log)


def test_the_base_image_is_the_dockerfiles(tmp_path: Path) -> None:
    """One truth; and a Dockerfile without it is named."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")

    assert "debian" in BASE_IMAGE
    with pytest.raises(ChannelError, match="names no BASE_IMAGE"):
        default_base(tmp_path / "Dockerfile")


def test_the_cache_is_keyed_by_platform_glibc_and_recipe() -> None:
    """A package for another base is not taken for this one."""
    bases = [Base("image", subdir, glibc) for subdir in ("linux-64", "linux-aarch64") for glibc in ("2.35", "2.36")]

    assert 8 == len({base.key(series) for base in bases for series in ("3.11", "3.12")})
