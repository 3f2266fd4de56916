"""What a proof does, from settings, arguments and the image's environment variables."""

from __future__ import annotations

import argparse
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from puncheon.errors import SettingsError
from puncheon.layout import IMAGE
from puncheon.settings import read

Mode = Literal["require", "warn", "load", "off"]

DEFAULT_TIMEOUT_S = "300"

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

    @property
    def where(self) -> str:
        """The model's place, for messages."""
        return f"model in {self.model_dir / self.model_folder}"


def plan_of(arguments: argparse.Namespace, environ: Mapping[str, str], log: Path) -> Plan:
    """Return the plan that arguments, settings and the image's environment variables make.

    Raises
    ------
    SettingsError
        If a setting is impossible.
    """
    settings = read(environ)
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
        limit_s=_timeout(arguments.timeout or environ.get("PROOF_TIMEOUT") or DEFAULT_TIMEOUT_S),
        stop_s=float(settings.number("STOP_TIMEOUT")),
        log=log,
    )


def services_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment as `docker run` would give it to the services, without what this process needed."""
    prefix = environ.get("AZUREML_CONDA_ENVIRONMENT_PATH")
    restored = {"LD_LIBRARY_PATH": f"{prefix}/lib:"} if prefix and "LD_LIBRARY_PATH" not in environ else {}
    return {name: value for name, value in {**environ, **restored}.items() if name != OURS}


def _timeout(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise SettingsError(f"PROOF_TIMEOUT={text!r} is not a positive number of seconds.", next="PROOF_TIMEOUT=300")
    return seconds
