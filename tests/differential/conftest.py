"""The environment of both servers' entry scripts, and the pair of servers of each service."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
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
def pair_of(reference: Path, amlenv: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Pair]]:
    """Return both servers of a service; those of the one before are ended, so that no more than two run."""
    running: dict[str, Pair] = {}
    with contextlib.ExitStack() as stack:

        def start(service: str) -> Pair:
            if service not in running:
                stack.close()
                running.clear()
                folder = tmp_path_factory.mktemp("pair")
                running[service] = stack.enter_context(serve(SERVICES[service], reference, amlenv, folder))
            return running[service]

        yield start
