"""The environment of both servers' entry scripts, and the pair of servers of each service."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.differential.running import Pair, serve
from tests.differential.services import SERVICES
from tests.serving import make_environment

REFERENCE = "azureml-inference-server-http==1.5.1"


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the reference and what the entry scripts import, in which both run them."""
    folder = tmp_path_factory.mktemp("environments") / "reference"
    return make_environment(folder, sys.executable, REFERENCE, "numpy", "pandas")


@pytest.fixture(scope="module")
def pair(
    request: pytest.FixtureRequest, reference: Path, amlenv: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Both servers of the service that the test names; tests of one service come one after the other."""
    service = request.param
    with serve(SERVICES[service], reference, amlenv, tmp_path_factory.mktemp("pair")) as both:
        yield both
