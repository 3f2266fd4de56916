"""Real images, real containers: a parent repository with the kit and a model, built by the README's literal lines."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from tests.image.running import BASE_PATH, IMAGE, KIT, Running, built, copy_kit, put_file


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
def image(engine: docker.DockerClient, repository: Path) -> str:
    """The demo model's image, built with BuildKit."""
    built(repository, "./artifacts/iris_model", IMAGE)
    return IMAGE


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
def service(engine: docker.DockerClient, image: str) -> Iterator[Running]:
    """One ready container for all tests that only look."""
    running = Running(engine.containers.run(image, detach=True))
    running.wait_ready()
    yield running
    running.container.remove(force=True, v=True)
