"""A site's own channel, index, certificates and credentials: pip.conf, uv.toml, .condarc and netrc."""

from __future__ import annotations

import base64
import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.puncheon.environment.building import Builder, wheel

USER, PASSWORD, TOKEN = "reader", "s3cret", "t0ken"


class Site(http.server.ThreadingHTTPServer):
    """A server that shows a folder to those who know the password, or a token in the path (conda's way)."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"localhost:{self.server_port}"


class _Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, request, client_address, server: Site) -> None:  # type: ignore[no-untyped-def]
        super().__init__(request, client_address, server, directory=str(server.folder))

    def do_GET(self) -> None:
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        with_token = f"/t/{TOKEN}"
        if self.path.startswith(with_token):
            self.path = self.path.removeprefix(with_token)
        elif self.headers.get("Authorization") != expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        super().do_GET()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A site's own authority, and the certificate with its key that it gave to localhost."""
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "names").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    new = ("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout")
    for command in (
        (*new, "ca.key", "-x509", "-days", "2", "-subj", "/CN=site", "-out", "ca.crt"),
        (*new, "server.key", "-subj", "/CN=localhost", "-out", "server.csr"),
        (
            *("openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-days", "2", "-extfile", "names", "-out", "server.crt"),
        ),
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    server = folder / "server.pem"
    server.write_text((folder / "server.key").read_text() + (folder / "server.crt").read_text())
    return folder / "ca.crt", server


@pytest.fixture
def site(channel: Path, tmp_path: Path, certificates: tuple[Path, Path]) -> Iterator[Site]:
    """The local channel as https://.../conda-forge, and a folder of wheels, behind a password and an own CA."""
    folder = tmp_path / "site"
    wheel(folder / "wheels", "alpha", "1.0")
    (folder / "index.html").write_text("")
    (folder / "wheels/index.html").write_text('<a href="alpha-1.0-py3-none-any.whl">alpha-1.0-py3-none-any.whl</a>')
    (folder / "conda-forge").symlink_to(channel)
    with Site(folder) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates[1])
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def bare(tmp_path: Path) -> Builder:
    """The verb without a local channel."""
    return Builder(tmp_path, tmp_path / "none")


CHANNELS = {
    "password in the alias": ("channel_alias: https://{user}:{password}@{site}\nssl_verify: {ca}\n", ""),
    "netrc": (
        "channel_alias: https://{site}\nssl_verify: {ca}\n",
        "machine localhost login {user} password {password}\n",
    ),
    "token in a custom channel": (
        "custom_channels:\n  conda-forge: https://{site}/t/{token}\nssl_verify: false\n",
        "",
    ),
}


@pytest.mark.parametrize(("condarc", "netrc"), CHANNELS.values(), ids=CHANNELS)
def test_a_sites_channel_is_used_and_its_secrets_stay_out(
    bare: Builder, site: Site, certificates: tuple[Path, Path], condarc: str, netrc: str
) -> None:
    """The environment comes from the site's server, and no file of it holds the password or token."""
    values = {"site": site.address, "user": USER, "password": PASSWORD, "token": TOKEN, "ca": str(certificates[0])}
    (bare.folder / ".condarc").write_text(condarc.format(**values))
    if netrc:
        (bare.folder / ".netrc").write_text(netrc.format(**values))

    built = bare.conda_yaml("dependencies: [python=3.11, pip]")

    assert [f"https://{site.address}/conda-forge"] == built.report["channels"]
    for path in built.prefix.rglob("*"):
        if path.is_file() and path.suffix in ("", ".json", ".txt"):
            content = path.read_bytes()
            assert not any(secret.encode() in content for secret in (PASSWORD, TOKEN)), path
    assert not any(secret in built.output + built.error for secret in (PASSWORD, TOKEN))


def test_a_channel_that_refuses_is_told_with_its_status(
    bare: Builder, site: Site, certificates: tuple[Path, Path]
) -> None:
    """401 is no network fault: the message shows it."""
    (bare.folder / ".condarc").write_text(f"channel_alias: https://{site.address}\nssl_verify: {certificates[0]}\n")

    built = bare.conda_yaml("dependencies: [python=3.11]")

    assert f"The conda channel conda-forge (https://{site.address}/conda-forge) cannot be read." == built.said("error")
    assert "401 Unauthorized" in built.said("|")


def test_pip_conf_serves_uv_too(build: Builder, site: Site, certificates: tuple[Path, Path]) -> None:
    """Index, certificate and credentials of pip's configuration are honoured."""
    (build.folder / ".config/pip").mkdir(parents=True)
    (build.folder / ".config/pip/pip.conf").write_text(
        f"[global]\nno-index = true\nfind-links = https://{site.address}/wheels/\ncert = {certificates[0]}\n"
    )
    (build.folder / ".netrc").write_text(f"machine localhost login {USER} password {PASSWORD}\n")

    assert {"alpha": "1.0"} == build.pip(["alpha"]).report["pip"]


def test_uv_toml_comes_before_pip_conf(build: Builder) -> None:
    """Where a site configures uv itself, pip's configuration is not mixed in."""
    wheel(build.folder / "wheels", "alpha", "1.0")
    (build.folder / ".config/pip").mkdir(parents=True)
    (build.folder / ".config/pip/pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9/simple\n")
    (build.folder / ".config/uv").mkdir()
    (build.folder / ".config/uv/uv.toml").write_text(f'no-index = true\nfind-links = ["{build.folder / "wheels"}"]\n')

    assert {"alpha": "1.0"} == build.pip(["alpha"]).report["pip"]


def test_a_broken_pip_conf_is_named(build: Builder) -> None:
    """Not uv's words about an index, but the file."""
    (build.folder / ".config/pip").mkdir(parents=True)
    (build.folder / ".config/pip/pip.conf").write_text("index-url = https://packages.example/simple\n")

    built = build.pip(["alpha"])

    assert built.said("error").startswith("pip's configuration cannot be read:")
    assert str(build.folder / ".config/pip/pip.conf") == built.said("where").replace(" ", "")
