"""Real servers for the tests of the HTTP side."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.runner.running import Runner
from tests.server.running import Gunicorn, serve
from tests.serving import wait_until

Serve = Callable[..., tuple[Gunicorn, Runner]]


@pytest.fixture
def start(amlenv: Path, tmp_path: Path) -> Iterator[Serve]:
    """Start runner and gunicorn with settings; they are ended after the test."""
    with contextlib.ExitStack() as stack:

        def start_one(*, ready: bool = True, **variables: str) -> tuple[Gunicorn, Runner]:
            server, runner = stack.enter_context(serve(amlenv, tmp_path, **variables))
            if ready:
                wait_until(server.is_ready, what=f"readiness; log:\n{runner.log[-2000:]}")
            return server, runner

        yield start_one


@pytest.fixture(scope="module")
def server(amlenv: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    """A server with small bodies, for tests that change nothing."""
    with serve(amlenv, tmp_path_factory.mktemp("server"), MAX_BODY_MB="1") as (one, _):
        wait_until(one.is_ready, what="readiness")
        yield one
