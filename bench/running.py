"""Servers that run: a peer as a process of this machine, ours as a real container at its own address."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import docker
from docker.models.containers import Container

from bench.environments import WORK, install
from bench.peers import Peer, Place
from bench.processes import LIST, Process, ages, parse_list, send
from bench.server import Server, answers
from bench.tables import Table

OURS, DIRECT, CEILING = "puncheon", "puncheon, direct", "empty request"
NGINX_PORT, GUNICORN_PORT = 5000, 31311
APPLICATION = "/var/azureml-app/server/puncheon_server/asgi.py"
"""The module whose ``application`` gunicorn serves; the ceiling takes its place."""
START_LIMIT_S = 180


@contextlib.contextmanager
def peer_server(peer: Peer, model: Path, first: Table) -> Iterator[Server]:
    """Run a peer with a model; it answers ``first`` before the block begins.

    Raises
    ------
    SystemExit
        If it does not come to answer, with the end of its log.
    """
    place = Place(install(peer), _free_port(), model)
    log = WORK / f"{peer.name}.log"
    home = WORK / "home" / peer.name
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "PYTHON"))}
    path = f"{place.programs}:{kept.get('PATH', '')}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            peer.command(place),
            cwd=home,
            env={**kept, **peer.variables(place), "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{place.port}{peer.path}"
    server = Server(peer.name, url, process.pid, peer.body, peer.predictions, restless=peer.restless)
    try:
        _wait(lambda: answers(server, first), lambda: process.poll() is None, server, lambda: log.read_text())
        yield server
    finally:
        _end(process)


@contextlib.contextmanager
def container(
    image: str, variables: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None
) -> Iterator[Container]:
    """Run a container; ``files`` (path → text) are put into it before it starts.  It is removed at the end."""
    made = docker.from_env().containers.create(image, environment=dict(variables or {}), detach=True)
    try:
        if files:
            put_files(made, files)
        made.start()
        yield made
    finally:
        made.remove(force=True, v=True)


@contextlib.contextmanager
def our_servers(image: str, first: Table, ceiling: bool = False) -> Iterator[list[Server]]:
    """Run the image with one model worker; yield it as asked through nginx, and directly.

    Raises
    ------
    SystemExit
        If it does not come to answer, with the end of its log.
    """
    files = {APPLICATION: (Path(__file__).parent / "ceiling/asgi.py").read_text()} if ceiling else None
    with container(image, {"WORKER_COUNT": "1"}, files) as made:
        servers = container_servers(made, ceiling)
        wait_for_answer(made, servers[0], first)
        yield servers


def container_servers(made: Container, ceiling: bool = False) -> list[Server]:
    """Return a started container as asked through nginx, and directly; the ceiling through nginx alone."""
    made.reload()
    address, root = made.attrs["NetworkSettings"]["IPAddress"], int(made.attrs["State"]["Pid"])
    if ceiling:
        return [Server(CEILING, f"http://{address}:{NGINX_PORT}/score", root, predicts=False)]
    return [
        Server(OURS, f"http://{address}:{NGINX_PORT}/score", root),
        Server(DIRECT, f"http://{address}:{GUNICORN_PORT}/score", root),
    ]


def wait_for_answer(made: Container, server: Server, first: Table, pause_s: float = 0.1) -> None:
    """Return once a container's server answers.

    Raises
    ------
    SystemExit
        If it does not come to that, with the end of its log.
    """

    def alive() -> bool:
        made.reload()
        return str(made.status) == "running"

    _wait(lambda: answers(server, first), alive, server, lambda: made.logs().decode(errors="replace"), pause_s)


def put_files(made: Container, files: Mapping[str, str]) -> None:
    """Write files (path → text) into a container that need not run."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, text in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(text.encode()), 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
    made.put_archive("/", archive.getvalue())


def processes_of(made: Container) -> list[Process]:
    """Return a container's processes, with their memory; asked as the user that they run as."""
    return parse_list(output_of(made, "sh", "-c", LIST))


def output_of(made: Container, *command: str) -> str:
    """Run a command in a container as the user of its processes and return what it printed."""
    output = made.exec_run(list(command)).output
    assert isinstance(output, bytes)
    return output.decode(errors="replace")


def holds(image: str, path: str) -> bool:
    """Return whether an image holds a file."""
    made = docker.from_env().containers.create(image)
    try:
        made.get_archive(path)
    except docker.errors.NotFound:
        return False
    finally:
        made.remove()
    return True


def _wait(
    condition: Callable[[], bool],
    alive: Callable[[], bool],
    server: Server,
    log: Callable[[], str],
    pause_s: float = 0.1,
) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not condition():
        if not alive() or time.monotonic() > deadline:
            raise SystemExit(f"{server.name} does not answer at {server.url}; its log ends:\n{log()[-3000:]}")
        time.sleep(pause_s)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a peer: politely, and after ten seconds whatever is left of what it started."""
    members = ages(process.pid)
    send(process.pid, signal.SIGCONT)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    for pid, age in members.items():
        if ages(pid).get(pid) == age:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.wait()
