"""`python -m puncheon prove` on a real azmlinfsrv, which listens on both ports in place of nginx and gunicorn."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.serving import ENTRY_SCRIPT, KIT, free_ports, server_variables


@dataclass(frozen=True)
class Proof:
    """How a proof ended."""

    code: int
    output: str
    errors: str
    record_path: Path

    @property
    def record(self) -> dict[str, Any]:
        return dict(json.loads(self.record_path.read_text()))


Prove = Callable[..., Proof]


@pytest.fixture
def prove(saved_models: dict[str, Path], server_environment: Path, tmp_path: Path) -> Prove:
    """Prove a saved model, by name, or a model's folder; ``wrapped`` may put something around the start command."""

    def prove_one(
        model: str | Path,
        mode: str = "require",
        *arguments: str,
        environment: Path = server_environment,
        wrapped: Callable[[str], str] = lambda start: start,
        **variables: str,
    ) -> Proof:
        folder = saved_models[model] if isinstance(model, str) else model
        gunicorn, nginx = free_ports(2)
        server = [environment / "bin/azmlinfsrv", "--entry_script", ENTRY_SCRIPT]
        start = shlex.join(map(str, [*server, "--port", gunicorn, "--health_port", nginx]))
        record = tmp_path / "proof.json"
        done = subprocess.run(
            [sys.executable, "-m", "puncheon", "prove", "--output", record, "--start", wrapped(start), *arguments],
            cwd=ENTRY_SCRIPT.parent,
            env={
                **server_variables(folder, environment),
                "GUNICORN_CMD_ARGS": f"--config {KIT}/server/gunicorn.conf.py",
                "GUNICORN_PORT": str(gunicorn),
                "NGINX_PORT": str(nginx),
                "PROOF": mode,
                "PROOF_TIMEOUT": "120",
                "PYTHONPATH": str(KIT),
                "SEPERATE_HEALTH_ENDPOINT": "true",
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return Proof(done.returncode, done.stdout, done.stderr, record)

    return prove_one
