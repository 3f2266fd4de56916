"""Compiles CPython from the distribution's own source package, in a container of the base image."""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import APIError, ContainerError, DockerException, ImageNotFound

from puncheon.channel.interpreter import PLACEHOLDER, make_python_package
from puncheon.channel.progress import Progress
from puncheon.errors import ChannelError, EngineError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

RECIPE = Path(__file__).with_name("compile_cpython.sh")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# The engine's names of architectures, to conda's.
ARCHITECTURES = {"amd64": "linux-64", "arm64": "linux-aarch64"}
OUTPUT = "/out"


@dataclass(frozen=True)
class Base:
    """What of a base image decides which packages run on it: its platform (conda's name) and its glibc."""

    image: str
    subdir: str
    glibc: str

    def key(self, series: str) -> str:
        """Return the name under which a CPython that was compiled in this base is cached."""
        recipe = hashlib.sha256(RECIPE.read_bytes() + PLACEHOLDER.encode()).hexdigest()[:8]
        return f"{self.subdir}-glibc{self.glibc}-cpython{series}-{recipe}"


def inspect_base(client: DockerClient, image: str) -> Base:
    """Ask a base image for its platform and its glibc, pulling it where it is absent.

    Raises
    ------
    EngineError
        If there is no such image.
    ChannelError
        If conda has no platform for it, or its C library is not glibc.
    """
    try:
        try:
            found = client.images.get(image)
        except ImageNotFound:
            found = client.images.pull(image)
        subdir = ARCHITECTURES.get(found.attrs.get("Architecture", ""))
        answer = client.containers.run(image, ["getconf", "GNU_LIBC_VERSION"], remove=True).decode().split()
    except ContainerError as error:
        raise ChannelError(
            "The base image's C library is not glibc.",
            where=image,
            next="choose a Debian or Ubuntu image as BASE_IMAGE",
        ) from error
    except (APIError, ImageNotFound) as error:
        raise EngineError(
            "The base image cannot be had.", where=image, next="make base", detail=[str(error.explanation or error)]
        ) from error
    if subdir is None:
        raise ChannelError(
            "There is no conda platform for the base image.", where=f"{image}, {found.attrs.get('Architecture')}"
        )
    return Base(image, subdir, answer[-1])


def compile_cpython(client: DockerClient, base: Base, series: str, folder: Path, log: Path, progress: Progress) -> Path:
    """Compile CPython ``series`` (``3.11``) in ``base`` and pack it into ``folder``; the whole log goes to ``log``.

    Raises
    ------
    ChannelError
        If the compilation fails: its cause is in the error, the rest in the log.
    EngineError
        If the engine fails.
    """
    with tempfile.TemporaryDirectory(prefix="puncheon-cpython-") as scratch:
        output = Path(scratch)
        run_recipe(client, base, series, output, log, progress)
        progress.say("pack python")
        fixes = (output / "out/security-fixes").read_text().split()
        return make_python_package(
            output / "out/prefix",
            base.subdir,
            folder,
            licenses={path.name: path for path in (output / "out/licenses").iterdir()},
            extra={"built-from": f"the source package python{series} of {base.image}", "security-fixes": fixes},
        )


def run_recipe(client: DockerClient, base: Base, series: str, output: Path, log: Path, progress: Progress) -> None:
    """Run the recipe in a container that is removed whatever happens, and copy what it made to ``output``."""
    environment = {name: os.environ[name] for name in PROXIES if name in os.environ}
    environment |= {"SERIES": series, "PREFIX": PLACEHOLDER, "JOBS": str(os.cpu_count() or 1)}
    try:
        container: Container = client.containers.run(
            base.image, ["bash", "-c", RECIPE.read_text()], environment=environment, detach=True, init=True
        )
        try:
            follow(container.logs(stream=True, follow=True), log, progress)
            status = container.wait()["StatusCode"]
            if status:
                raise ChannelError(
                    f"CPython {series} could not be compiled.",
                    where=f"{base.image}; the whole log: {log}",
                    next=f"pack an installation instead: scripts/channel --from-prefix DIR (a CPython {series})",
                    detail=cause(log.read_text(errors="replace").splitlines()),
                )
            fetch(container, output)
        finally:
            container.remove(force=True)
    except DockerException as error:
        raise EngineError("The engine failed while CPython was compiled.", detail=[str(error)]) from error


def follow(chunks: Iterable[bytes], log: Path, progress: Progress) -> None:
    """Write a container's output to ``log`` and say each of its steps when it begins."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        pending = b""
        for chunk in chunks:
            file.write(chunk)
            file.flush()
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                if line.startswith(b"## "):
                    progress.say(f"python: {line[3:].decode(errors='replace')}")


def cause(lines: list[str]) -> list[str]:
    """Return the lines of a failed log that say why: the last complaints, or else its last lines."""
    words = ("error:", "E: ", "Error", "not found", "No such file", "cannot ", "No space left")
    complaints = [line for line in lines if any(word in line for word in words)]
    return (complaints or lines)[-8:]


def fetch(container: Container, output: Path) -> None:
    """Copy the container's output folder to ``output``."""
    stream, _ = container.get_archive(OUTPUT)
    with tempfile.TemporaryFile() as file:
        for chunk in stream:
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            archive.extractall(output, filter="data")
