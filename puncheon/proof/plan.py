"""What a proof does, from settings, arguments and the image's environment variables."""

from __future__ import annotations

import argparse
import contextlib
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from puncheon.apply import of_the_build
from puncheon.errors import ProofError, SettingsError
from puncheon.layout import IMAGE
from puncheon.proof.workers import Answered, ask, state
from puncheon.settings import given, read

Mode = Literal["require", "warn", "load", "off"]

LIMIT_S = 20.0
"""How long a worker may take for one request of a model that has been warmed up; a hang takes for ever."""

OURS = "PYTHONPATH"
"""The variable that the kit's own process was started with and the services must not see."""


@dataclass(frozen=True)
class Plan:
    """What to prove, and with what.

    Attributes
    ----------
    mode
        The setting PROOF.
    command, environment
        What starts the services, and its environment.
    gunicorn_port, nginx_port
        The two ports; both must answer.
    model_dir, model_folder
        AZUREML_MODEL_DIR and MLFLOW_MODEL_FOLDER.
    prefix
        The model's environment (``userenv``).
    server
        The setting SERVER.
    limit_s
        Seconds for becoming ready, and again for each answer.
    stop_s
        The setting STOP_TIMEOUT, in seconds.
    log
        The file that receives the services' log.
    entry_script
        The user's own entry script in the image, or None.
    preload
        The setting WORKER_PRELOAD: auto, true or false.
    model_socket
        The runner's control socket, where SERVER=puncheon.
    """

    mode: Mode
    command: Sequence[str]
    environment: Mapping[str, str]
    gunicorn_port: int
    nginx_port: int
    model_dir: Path
    model_folder: str
    prefix: Path
    server: str
    limit_s: float
    stop_s: float
    log: Path
    entry_script: Path | None = None
    preload: str = "auto"
    model_socket: Path = Path(IMAGE.model_socket)

    @property
    def where(self) -> str:
        """The model's place, for messages."""
        return f"model in {self.model_dir / self.model_folder}"

    def ask_worker(self, bodies: Sequence[bytes]) -> Answered:
        """Send requests in one frame to the first model worker.

        Raises
        ------
        ProofError
            If it cannot be reached.
        """
        worker = self.model_socket.with_name(f"{self.model_socket.stem}-0{self.model_socket.suffix}")
        with self._reaching("The model's worker"):
            return ask(str(worker), bodies, LIMIT_S)

    def model_state(self) -> dict[str, Any]:
        """Return what the runner says of itself.

        Raises
        ------
        ProofError
            If it cannot be reached.
        """
        with self._reaching("The model's service"):
            return state(self.model_socket)

    @contextlib.contextmanager
    def _reaching(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ProofError(
                f"{what} cannot be reached any more: {error.strerror or error}.",
                where=self.where,
                next="Build with PROOF=off, run the image, and look at its log (docker logs).",
            ) from error


def plan_of(arguments: argparse.Namespace, environ: Mapping[str, str], log: Path) -> Plan:
    """Return the plan that arguments, settings and the image's environment variables make.

    Raises
    ------
    SettingsError
        If a setting is impossible.
    """
    settings = read({**of_the_build(Path("/")), **given(environ)})
    return Plan(
        mode=cast(Mode, settings["PROOF"]),
        command=shlex.split(arguments.start),
        environment=services_environment(environ),
        gunicorn_port=settings.number("GUNICORN_PORT"),
        nginx_port=settings.number("NGINX_PORT"),
        model_dir=Path(environ.get("AZUREML_MODEL_DIR", "/var/azureml-app/model")),
        model_folder=environ.get("MLFLOW_MODEL_FOLDER", ""),
        prefix=Path(environ.get("AZUREML_CONDA_ENVIRONMENT_PATH", f"{IMAGE.conda}/envs/userenv")),
        server=str(settings["SERVER"]),
        limit_s=_seconds(arguments.timeout) if arguments.timeout else float(settings.number("PROOF_TIMEOUT")),
        stop_s=float(settings.number("STOP_TIMEOUT")),
        log=log,
        entry_script=Path(IMAGE.runner, str(settings["ENTRY_SCRIPT"])) if settings["ENTRY_SCRIPT"] else None,
        preload=str(settings["WORKER_PRELOAD"]),
        model_socket=Path(environ.get("PUNCHEON_MODEL_SOCKET", IMAGE.model_socket)),
    )


def services_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment as `docker run` would give it to the services, without what this process needed."""
    prefix = environ.get("AZUREML_CONDA_ENVIRONMENT_PATH")
    restored = {"LD_LIBRARY_PATH": f"{prefix}/lib:"} if prefix and "LD_LIBRARY_PATH" not in environ else {}
    return {name: value for name, value in {**environ, **restored}.items() if name != OURS}


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise SettingsError(f"--timeout {text} is not a positive number of seconds.", next="--timeout 300")
    return seconds
