"""Real images, real containers: a parent repository with the kit and a model, built by the README's literal lines."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from tests.image.running import BASE_PATH, IMAGES, KIT, SERVERS, Running, built, copy_kit, put_file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever lies in this folder needs an engine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def engine() -> docker.DockerClient:
    """The engine; a test that needs one fails where there is none."""
    client = docker.from_env()
    client.ping()
    return client


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A parent repository that holds the kit and the demo model, as the README says."""
    root = tmp_path_factory.mktemp("parent")
    copy_kit(root / BASE_PATH)
    shutil.copytree(KIT / "artifacts/iris_model", root / "artifacts/iris_model")
    return root


@pytest.fixture(scope="session")
def images(engine: docker.DockerClient, repository: Path) -> Callable[[str], str]:
    """Return the demo model's image by server, built with BuildKit by the literal lines; built once."""

    @cache
    def image_of(server: str) -> str:
        arguments = [] if server == SERVERS[0] else ["--build-arg", f"SERVER={server}"]
        built(repository, "./artifacts/iris_model", IMAGES[server], *arguments)
        return IMAGES[server]

    return image_of


@pytest.fixture
def server(request: pytest.FixtureRequest) -> str:
    """The server that a test is about: our own, or as BOTH_SERVERS says."""
    return str(getattr(request, "param", SERVERS[0]))


@pytest.fixture
def image(images: Callable[[str], str], server: str) -> str:
    """The demo model's image."""
    return images(server)


@pytest.fixture
def start(engine: docker.DockerClient) -> Iterator[Callable[..., Running]]:
    """Start containers that are removed at the end, whatever became of them.

    ``files`` are put into the container before it starts: path → text.
    """
    started: list[Container] = []

    def start_one(image: str, *command: str, files: dict[str, str] | None = None, **options: Any) -> Running:
        container = engine.containers.create(image, list(command) or None, detach=True, **options)
        started.append(container)
        for path, text in (files or {}).items():
            put_file(container, path, text)
        container.start()
        return Running(container)

    yield start_one
    for container in started:
        container.remove(force=True, v=True)


@pytest.fixture(scope="session")
def services(engine: docker.DockerClient, images: Callable[[str], str]) -> Iterator[Callable[[str], Running]]:
    """Return one ready container by server, for all tests that only look."""
    started: list[Running] = []

    @cache
    def service_of(server: str) -> Running:
        started.append(Running(engine.containers.run(images(server), detach=True)))
        started[-1].wait_ready()
        return started[-1]

    yield service_of
    for running in started:
        running.container.remove(force=True, v=True)


@pytest.fixture
def service(services: Callable[[str], Running], server: str) -> Running:
    """One ready container for all tests that only look."""
    return services(server)
