"""A built image on this machine's engine: run it, ask it, stop it.

docker-py talks to the engine; what only a terminal can do (``shell``, ``logs``) is the docker command's own.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import socket
import sys
import tarfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import DeviceRequest

from puncheon.errors import EngineError, PuncheonError
from puncheon.layout import IMAGE
from puncheon.proof.cause import distil
from puncheon.proof.record import summary

LABEL = "org.puncheon.container"
INSIDE = {"nginx": 5000, "gunicorn": 31311}
"""The image's own ports, by service; settings can change them, `make` does not."""

RERUN = "/tmp/proof.json"  # noqa: S108 -- inside the container


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: status, body as text, and the time it took in milliseconds."""

    status: int
    body: str
    milliseconds: float


def engine() -> docker.DockerClient:
    """Return a client of the engine that answers.

    Raises
    ------
    EngineError
        If none does.
    """
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        raise EngineError("No container engine answers.", next="make engine", detail=[str(error)]) from error
    return client


def require_free_port(port: int) -> None:
    """Raise EngineError if something on this machine listens on ``port``."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 -- as the engine will
        except OSError as error:
            airplay = " (macOS: AirPlay Receiver holds 5000; it can be turned off in System Settings)"
            raise EngineError(
                f"Port {port} is in use on this machine{airplay if platform.system() == 'Darwin' else ''}.",
                where=str(error),
                next="make stop (an earlier container of ours), or take others: make run PORT=5001 GUNICORN_PORT=31312",
            ) from error


def start(arguments: argparse.Namespace) -> Container:
    """Start the image in the background under a name, with both ports published.

    Raises
    ------
    EngineError
        If the name or a port is taken, the image is absent, or the engine refuses.
    """
    client = engine()
    remove(client, arguments.name, only_ended=True)
    require_free_port(arguments.port)
    require_free_port(arguments.gunicorn_port)
    try:
        return client.containers.run(
            arguments.image,
            name=arguments.name,
            detach=True,
            labels={LABEL: arguments.name},
            ports={
                f"{INSIDE['nginx']}/tcp": arguments.port,
                f"{INSIDE['gunicorn']}/tcp": arguments.gunicorn_port,
            },
            **_resources(arguments),
        )
    except (APIError, ImageNotFound) as error:
        raise _refusal(client, arguments.image, error) from error


def _resources(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return docker-py's words for ``-e``, ``--memory`` and ``--gpus``."""
    gpus = [DeviceRequest(count=-1, capabilities=[["gpu"]])] if arguments.gpus else None
    return {"environment": arguments.env, "mem_limit": arguments.memory, "device_requests": gpus}


def _refusal(client: docker.DockerClient, image: str, error: APIError) -> EngineError:
    """Return the error for an image that does not start; one that is absent was looked for in its registry, too."""
    try:
        client.images.get(image)
    except ImageNotFound:
        what = f"There is no image {image!r} on this machine, and no registry gave it."
        return EngineError(what, detail=[str(error.explanation)], next="make build")
    return EngineError(f"The engine does not start {image!r}.", detail=[str(error.explanation)])


def remove(client: docker.DockerClient, name: str, *, only_ended: bool = False) -> bool:
    """Stop and remove the container of ours with this name; return whether there was one.

    Raises
    ------
    EngineError
        If the name belongs to a container that is not ours, or (``only_ended``) to one that runs.
    """
    try:
        container = client.containers.get(name)
    except NotFound:
        return False
    if LABEL not in container.labels:
        raise EngineError(f"A container {name!r} exists that is not ours.", next="Choose another name: make run NAME=…")
    if only_ended and container.status == "running":
        raise EngineError(f"The container {name!r} runs already.", next="make stop")
    container.stop()
    container.remove()
    return True


def wait_until_ready(container: Container, port: int, limit_s: float) -> float:
    """Return the seconds until ``/`` answered 200.

    Raises
    ------
    EngineError
        If the container ended first (with the cause from its log), or the limit passed.
    """
    began = time.monotonic()
    while time.monotonic() - began < limit_s:
        if ask(f"http://127.0.0.1:{port}/", timeout_s=2).status == 200:
            return time.monotonic() - began
        container.reload()
        if container.status != "running":
            raise EngineError(
                f"The container ended with exit code {container.attrs['State']['ExitCode']} before it was ready.",
                where="its log's own words:",
                detail=distil(container.logs().decode(errors="replace").splitlines()),
                next=f"docker logs {container.name}",
            )
        time.sleep(0.05)
    raise EngineError(f"The container was not ready within {limit_s:g} s.", next=f"docker logs {container.name}")


def ask(url: str, body: bytes | None = None, timeout_s: float = 60) -> Answer:
    """Send GET, or POST where there is a body; status 0 stands for "no answer" and the body says why."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 -- http, built here
    began = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:  # noqa: S310
            status, text = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except OSError as error:
        status, text = 0, str(error).encode()
    return Answer(status, text.decode(errors="replace"), (time.perf_counter() - began) * 1000)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``container``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    run_parser = actions.add_parser("run", help="start the image and wait until it is ready")
    run_parser.add_argument("image")
    run_parser.add_argument("--name", default="puncheon")
    run_parser.add_argument("--wait", type=float, default=300, metavar="SECONDS", help="limit for becoming ready")
    stop_parser = actions.add_parser("stop", help="stop and remove the container")
    stop_parser.add_argument("--name", default="puncheon")
    score_parser = actions.add_parser("score", help="send a body to both ports and show the answers")
    score_parser.add_argument("body", type=Path)
    proof_parser = actions.add_parser("proof", help="show the image's proof, or prove it again in a container")
    proof_parser.add_argument("image")
    proof_parser.add_argument("--json", action="store_true", help="the record as it is")
    for with_engine in (run_parser, proof_parser):
        with_engine.add_argument("--env", "-e", action="append", default=[], metavar="NAME=VALUE")
        with_engine.add_argument("--memory", metavar="LIMIT", help="for instance 2g")
        with_engine.add_argument("--gpus", action="store_true", help="give the container all GPUs")
    for with_ports in (run_parser, score_parser):
        with_ports.add_argument("--port", type=int, default=INSIDE["nginx"])
        with_ports.add_argument("--gunicorn-port", type=int, default=INSIDE["gunicorn"])


def run(arguments: argparse.Namespace) -> int:
    """Carry out one action."""
    return {"run": _run, "stop": _stop, "score": _score, "proof": _proof}[arguments.action](arguments)


def _run(arguments: argparse.Namespace) -> int:
    container = start(arguments)
    seconds = wait_until_ready(container, arguments.port, arguments.wait)
    print(f"{arguments.name} is ready after {seconds:.1f} s: http://127.0.0.1:{arguments.port}/")
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    stopped = remove(engine(), arguments.name)
    print(
        f"{arguments.name} stopped in {time.monotonic() - began:.1f} s" if stopped else f"{arguments.name} does not run"
    )
    return 0


def _score(arguments: argparse.Namespace) -> int:
    try:
        body = sys.stdin.buffer.read() if str(arguments.body) == "-" else arguments.body.read_bytes()
    except OSError as error:
        raise PuncheonError(
            f"{arguments.body} cannot be read: {error.strerror}.", next="make score BODY=<file>"
        ) from error
    failed = False
    for service, port in (("nginx", arguments.port), ("gunicorn", arguments.gunicorn_port)):
        answer = ask(f"http://127.0.0.1:{port}/score", body)
        failed |= answer.status != 200
        print(f"{service:8} :{port}  {answer.status}  {answer.milliseconds:6.1f} ms  {_compact(answer.body)}")
    return 1 if failed else 0


def _proof(arguments: argparse.Namespace) -> int:
    """Show the record that the image holds or, where resources are given, make a new one in a container."""
    client = engine()
    again = bool(arguments.env or arguments.memory or arguments.gpus)
    command = ["prove", "--output", RERUN] if again else ["true"]
    try:
        container = client.containers.create(arguments.image, command, **_resources(arguments))
    except (APIError, ImageNotFound) as error:
        raise _refusal(client, arguments.image, error) from error
    try:
        if again:
            container.start()
            for line in container.logs(stream=True, follow=True):
                print(line.decode(errors="replace"), end="", flush=True)
            if code := container.wait()["StatusCode"]:
                return int(code)
        text = _file_of(container, RERUN if again else IMAGE.proof)
    finally:
        container.remove(force=True)
    print(text if arguments.json else summary(json.loads(text)))
    return 0


def _file_of(container: Container, path: str) -> str:
    """Return the text of a file in a container that need not run."""
    try:
        stream, _ = container.get_archive(path)
    except NotFound as error:
        raise EngineError(f"The image holds no {path}.", next="make build (the image is not one of ours)") from error
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        member = archive.extractfile(archive.getmembers()[0])
        return member.read().decode() if member else ""


def _compact(body: str) -> str:
    try:
        return json.dumps(json.loads(body))
    except ValueError:
        return body.strip()
