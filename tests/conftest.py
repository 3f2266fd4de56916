"""Options and fixtures of all tests."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests import models
from tests.serving import KIT, make_environment

ALONE = ("image", "scripts")
"""Folders whose tests run one after the other: they name images and containers of one engine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write what is rendered as the new goldens")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares fixtures: a file's tests, and all of a folder that shares images or the engine.

    With two processes (``make test``) one runs the tests in containers, and the other all else.
    """
    for item in items:
        path = item.path.relative_to(Path(__file__).parent)
        group = path.parts[0] if path.parts[0] in ALONE else str(path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def saved_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every model of tests/make_model.py, by name."""
    return models.make(models.NAMES, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def server_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the newest azmlinfsrv beside what the saved models need."""
    needed = ["mlflow-skinny", "numpy", "pandas", "scikit-learn", "scipy", "skops"]
    return make_environment(
        tmp_path_factory.mktemp("environments") / "azmlinfsrv",
        sys.executable,
        "azureml-inference-server-http",
        *(f"{name}=={version(name)}" for name in needed),
    )


@pytest.fixture(scope="session")
def amlenv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with what the image's `amlenv` holds, and nothing else: the HTTP side runs in it."""
    locked = str(KIT / "requirements/amlenv.txt")
    return make_environment(
        tmp_path_factory.mktemp("environments") / "amlenv", sys.executable, "--require-hashes", "-r", locked
    )
