"""A base image that is here: whether its containers reach the package index, with real containers."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.scripts.shell import run_script, said

pytestmark = pytest.mark.engine

DOCKERFILE_BASE = said("base", 'echo "$(full_name "$(default_image)")"')


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
