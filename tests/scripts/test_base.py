"""The base image's name, and its registry: with real registries."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import docker
import pytest

from tests.scripts.shell import run_script, said

pytestmark = pytest.mark.engine


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
