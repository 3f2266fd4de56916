"""What is installed in the model's environment, read from its own records: no package is imported."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from puncheon.environment.report import REPORT
from puncheon.model_folder import PYFUNC, ModelFolder

SERVERS = {"azmlinfsrv": "azureml-inference-server-http"}
"""The package of each inference server that is part of the model's environment."""

FLAVOR_PACKAGES = {
    "onnx": "onnxruntime",
    "paddle": "paddlepaddle",
    "pytorch": "torch",
    "sklearn": "scikit-learn",
    "spark": "pyspark",
}
"""Flavors that are not called as their package; MLflow's other flavors are."""


def installed(prefix: Path) -> dict[str, str]:
    """Return name → version of the Python packages in the environment at ``prefix``; names as PyPI normalises them."""
    folders = [str(folder) for folder in sorted(prefix.glob("lib/python*/site-packages"))]
    return {_normal(str(found.metadata["Name"])): found.version for found in distributions(path=folders)}


def python_version(prefix: Path) -> str:
    """Return the version of the environment's Python, or the empty string."""
    code = "import platform; print(platform.python_version())"
    try:
        done = subprocess.run(
            [str(prefix / "bin/python"), "-I", "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


def relevant_versions(prefix: Path, model: ModelFolder, server: str) -> dict[str, str]:
    """Return the versions that decide about an answer: Python, MLflow, the flavors' libraries, the server."""
    packages = installed(prefix)
    wanted = ["mlflow", "mlflow-skinny", SERVERS.get(server, server), *map(_package, _flavors(model))]
    return {
        "python": python_version(prefix),
        **{name: packages[_normal(name)] for name in dict.fromkeys(wanted) if _normal(name) in packages},
    }


def version_warnings(prefix: Path, model: ModelFolder) -> list[str]:
    """Say where a flavor's library is not the version that the model was saved with."""
    packages = installed(prefix)
    warnings = []
    for flavor in _flavors(model):
        package, saved = _package(flavor), _saved_version(model.flavors[flavor])
        here = packages.get(_normal(package))
        if saved and here and here != saved:
            warnings.append(f"the model was saved with {package} {saved} and is served with {package} {here}")
    return warnings


def report_warnings(prefix: Path) -> list[str]:
    """Return the warnings of the build of this environment, a Python patch that was replaced for instance."""
    try:
        report: Any = json.loads((prefix / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    warnings = report.get("warnings") if isinstance(report, dict) else None
    return [str(warning) for warning in warnings] if isinstance(warnings, list) else []


def _flavors(model: ModelFolder) -> list[str]:
    return [flavor for flavor in model.flavors if flavor != PYFUNC]


def _package(flavor: str) -> str:
    return FLAVOR_PACKAGES.get(flavor, flavor.replace("_", "-"))


def _saved_version(options: Mapping[str, Any]) -> str:
    """Return the version of its library that a flavor states, under a key like ``sklearn_version``."""
    stated = [
        str(value)
        for key, value in options.items()
        if key.endswith("_version") and not key.startswith(("python", "mlflow"))
    ]
    return stated[0] if len(stated) == 1 else ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
