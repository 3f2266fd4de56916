"""The base image: kept, found in its registry, or made; with real registries, containers and packages."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import re
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from docker.models.images import Image

from tests.image.running import docker_cli, wait_until
from tests.scripts.shell import SCRIPTS, environment, run_script, said

pytestmark = pytest.mark.engine

# A name that no registry can have, so that it is never pulled (RFC 2606).
STAND_IN = "registry.invalid/puncheon-test/debian:bookworm-slim"
DOCKERFILE_BASE = said("base", 'echo "$(full_name "$(default_image)")"')


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("debian:bookworm-slim", "docker.io/library/debian:bookworm-slim"),
        ("docker.io/debian", "docker.io/library/debian:latest"),
        ("someone/debian:12", "docker.io/someone/debian:12"),
        ("localhost:5000/debian", "localhost:5000/debian:latest"),
        ("registry.example/a/b:c", "registry.example/a/b:c"),
        ("debian@sha256:00", "docker.io/library/debian@sha256:00"),
    ],
)
def test_full_names(short: str, full: str) -> None:
    """As docker itself completes them."""
    assert said("base", 'full_name "$1"', short) == full


# --- registries ------------------------------------------------------------------------------------------------------


@pytest.fixture
def registry() -> Iterator[str]:
    """A registry on this machine's loopback; an image's tag is the status that is answered, and "slow" never is."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tag = self.path.rpartition("/")[2]
            if tag == "slow":
                over.wait()
                return
            status = int(tag) if tag.isdigit() else 200
            body = json.dumps(
                {
                    "schemaVersion": 2,
                    "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
                    "manifests": [],
                }
                if status == 200
                else {"errors": [{"code": {404: "MANIFEST_UNKNOWN"}.get(status, "DENIED"), "message": "so it is"}]}
            ).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.docker.distribution.manifest.list.v2+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if self.command == "GET" else b"")

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        over.set()
        server.shutdown()
        thread.join()


def test_an_image_that_its_registry_has_is_not_made(registry: str, engine: docker.DockerClient) -> None:
    """The build will pull it."""
    name = f"{registry}/debian:200"

    result = run_script("base", name)

    assert result.returncode == 0, result.stderr
    assert "its registry answers and has it: nothing to make" in result.stdout
    assert engine.images.list(name) == []


def test_an_image_that_its_registry_does_not_have_is_an_error(registry: str) -> None:
    """A wrong tag is no reason for a stand-in."""
    result = run_script("base", f"{registry}/debian:404")

    assert result.returncode == 2
    assert "error: The registry has no such image." in result.stderr
    assert f"{registry}/debian:404" in result.stderr


def test_a_registry_that_refuses_answers_too(registry: str) -> None:
    """Credentials are the build's; no stand-in is made."""
    result = run_script("base", f"{registry}/debian:403")

    assert result.returncode == 0, result.stderr
    assert "docker login" in result.stdout


def test_a_registry_that_never_answers_costs_three_seconds(registry: str) -> None:
    """The wait is short, and what was decided is said."""
    began = time.monotonic()

    answer = said("base", "client=$(choose_client); image=$1; ask_registry", f"{registry}/debian:slow")

    assert answer == "silent no answer within 3 s"
    assert time.monotonic() - began < 5


def test_an_image_without_a_stand_in_is_refused() -> None:
    """With what can be done instead."""
    result = run_script("base", "registry.invalid/python:3.11-slim")

    assert result.returncode == 2
    assert "a stand-in is needed" in result.stdout
    assert len(result.stderr.splitlines()) == 3
    assert "docker load" in result.stderr


def test_an_image_named_by_its_digest_has_no_stand_in() -> None:
    """No image can be given a digest."""
    assert run_script("base", f"registry.invalid/debian@sha256:{'0' * 64}").returncode == 2


# --- an image that is here -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gateway(engine: docker.DockerClient) -> str:
    """The address at which containers reach this machine."""
    bridge = engine.networks.get("bridge").attrs["IPAM"]["Config"][0]
    return str(bridge.get("Gateway") or ipaddress.ip_network(bridge["Subnet"])[1])


@pytest.fixture(scope="module")
def index(gateway: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A package index over TLS, whose certificate nobody knows; its URL and that certificate."""
    folder = tmp_path_factory.mktemp("index")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "puncheon-test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(gateway))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority = folder / "authority.crt"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, folder / "key.pem")
    with ThreadingHTTPServer((gateway, 0), Handler) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients that do not trust it hang up
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://{gateway}:{server.server_port}/simple/", authority
        server.shutdown()
        thread.join()


@pytest.fixture
def image_with(engine: docker.DockerClient, tmp_path: Path) -> Iterator[Callable[[bytes | None], str]]:
    """Build an image whose CA bundle is the one given, or that has none; its name."""
    names: list[str] = []

    def build(bundle: bytes | None) -> str:
        (tmp_path / "bundle").write_bytes(bundle or b"")
        (tmp_path / "Dockerfile").write_text(
            f"FROM {DOCKERFILE_BASE}\nCOPY bundle /etc/ssl/certs/ca-certificates.crt\n"
            + ("" if bundle else "RUN rm /etc/ssl/certs/ca-certificates.crt\n")
        )
        names.append(f"registry.invalid/puncheon-test/bundle{len(names)}:latest")
        engine.images.build(path=str(tmp_path), tag=names[-1], rm=True)
        return names[-1]

    yield build
    for name in names:
        engine.images.remove(name)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        pytest.param(True, "reach the package index over TLS", id="the image has the certificate"),
        pytest.param(False, "do not trust the package index", id="only this machine has it"),
    ],
)
def test_whether_containers_of_it_reach_the_index_is_said(
    index: tuple[str, Path], image_with: Callable[[bytes | None], str], inside: bool, expected: str
) -> None:
    """A base image without a site's certificates fails in the middle of a build; it is tried before."""
    url, authority = index
    name = image_with(authority.read_bytes() if inside else None)

    result = run_script("base", name, PIP_INDEX_URL=url, UV_INDEX_URL="", UV_DEFAULT_INDEX="", SSL_CERT_FILE=authority)

    assert result.returncode == 0, result.stderr
    assert "kept as it is" in result.stdout
    assert expected in result.stdout


def test_an_index_that_does_not_answer_is_said(gateway: str) -> None:
    """With apt's reason, and without the password."""
    result = run_script(
        "base", PIP_INDEX_URL=f"https://name:word@{gateway}:9/simple", UV_INDEX_URL="", UV_DEFAULT_INDEX=""
    )

    assert result.returncode == 0, result.stderr
    assert "do not reach the package index" in result.stdout
    assert "word" not in result.stdout


# --- stand-ins -------------------------------------------------------------------------------------------------------


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
