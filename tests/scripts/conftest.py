"""The engine that tests of scripts look into."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    """The engine that this machine has."""
    client = docker.from_env()
    yield client
    client.close()
