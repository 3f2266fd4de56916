"""python_env.yaml, which MLflow writes beside conda.yaml for its virtualenv way.

Source of the format: ``mlflow.utils.environment._PythonEnv`` (``python``, ``build_dependencies``, ``dependencies``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from puncheon.environment.requirements import Line
from puncheon.errors import EnvironmentFileError
from puncheon.yaml_file import YamlValue, read_yaml


@dataclass(frozen=True)
class PythonEnv:
    """A Python version and the lines for pip; the build dependencies are installed with the others."""

    python: str | None
    pip: tuple[Line, ...]


def read_python_env(path: Path) -> PythonEnv:
    """Read a python_env.yaml.

    Raises
    ------
    EnvironmentFileError
        With file, line and entry, if it is no YAML or not of the shape that MLflow writes.
    """
    document = read_yaml(path, EnvironmentFileError)
    top = document.mapping(path.name)
    unknown = sorted(set(top) - {"python", "build_dependencies", "dependencies"})
    if unknown:
        raise top[unknown[0]].fault(
            f"{path.name} has no place for `{unknown[0]}:`.",
            next="It takes `python:`, `build_dependencies:` and `dependencies:`.",
        )
    python = top.get("python")
    return PythonEnv(
        python=None if python is None or python.is_null else python.text("`python:`"),
        pip=(
            *_lines(top.get("build_dependencies"), "`build_dependencies:`", path),
            *_lines(top.get("dependencies"), "`dependencies:`", path),
        ),
    )


def _lines(value: YamlValue | None, what: str, path: Path) -> tuple[Line, ...]:
    if value is None or value.is_null:
        return ()
    return tuple(Line(line.text(f"An entry of {what}"), line.where, path.parent) for line in value.sequence(what))
