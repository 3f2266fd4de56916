"""`python -m puncheon prove` on real servers outside a container.

azmlinfsrv listens on both ports in place of nginx and gunicorn; of our own server gunicorn does, before the real
model service.
"""

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

START_PUNCHEON = Path(__file__).with_name("start-puncheon")


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

    @property
    def told(self) -> str:
        """The errors, without the line breaks that fit them to a screen."""
        return " ".join(self.errors.split())


Prove = Callable[..., Proof]


def run_proof(start: str, arguments: tuple[str, ...], record: Path, variables: dict[str, str]) -> Proof:
    """Prove what the command ``start`` starts."""
    done = subprocess.run(
        [sys.executable, "-m", "puncheon", "prove", "--output", record, "--start", start, *arguments],
        cwd=ENTRY_SCRIPT.parent,
        env={"PROOF_TIMEOUT": "120", "PYTHONPATH": str(KIT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return Proof(done.returncode, done.stdout, done.stderr, record)


@pytest.fixture
def prove(saved_models: dict[str, Path], server_environment: Path, tmp_path: Path) -> Prove:
    """Prove, on azmlinfsrv, a saved model, by name, or a model's folder.

    ``wrapped`` may put something around the start command.
    """

    def prove_one(
        model: str | Path,
        mode: str = "require",
        *arguments: str,
        environment: Path = server_environment,
        wrapped: Callable[[str], str] = lambda start: start,
        **variables: str,
    ) -> Proof:
        gunicorn, nginx = free_ports(2)
        server = [environment / "bin/azmlinfsrv", "--entry_script", ENTRY_SCRIPT]
        start = shlex.join(map(str, [*server, "--port", gunicorn, "--health_port", nginx]))
        folder = saved_models[model] if isinstance(model, str) else model
        return run_proof(
            wrapped(start),
            arguments,
            tmp_path / "proof.json",
            {
                **server_variables(folder, environment),
                "GUNICORN_CMD_ARGS": f"--config {KIT}/server/azmlinfsrv.conf.py",
                "GUNICORN_PORT": str(gunicorn),
                "NGINX_PORT": str(nginx),
                "PROOF": mode,
                "SEPERATE_HEALTH_ENDPOINT": "true",
                "SERVER": "azmlinfsrv",
                **variables,
            },
        )

    return prove_one


@pytest.fixture
def prove_ours(saved_models: dict[str, Path], amlenv: Path, tmp_path: Path) -> Prove:
    """Prove a saved model, by name, on our own server."""

    def prove_one(model: str, mode: str = "require", *arguments: str, **variables: str) -> Proof:
        gunicorn, nginx = free_ports(2)
        return run_proof(
            shlex.join([str(START_PUNCHEON), str(tmp_path)]),
            arguments,
            tmp_path / "proof.json",
            {
                # The models' own environment is the tests': it holds what they were saved with.
                **server_variables(saved_models[model], Path(sys.prefix)),
                "AMLENV": str(amlenv),
                "GUNICORN_PORT": str(gunicorn),
                "NGINX_PORT": str(nginx),
                "PROOF": mode,
                "PUNCHEON_MODEL_SOCKET": str(tmp_path / "model.sock"),
                "PUNCHEON_VERSION": "0.0.0",
                **variables,
            },
        )

    return prove_one
