"""The environment that a model's folder asks for: which of its files says so, and what is assumed where none does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from puncheon.environment.conda_yaml import CondaFile, read_conda_yaml
from puncheon.environment.flavor_modules import modules_of
from puncheon.environment.local_files import LocalFiles
from puncheon.environment.match_spec import parse_match_spec
from puncheon.environment.python_env import read_python_env
from puncheon.environment.requirements import Requirements, lines_of_file
from puncheon.environment.spec import EnvironmentSpec
from puncheon.errors import EnvironmentFileError
from puncheon.model_folder import ModelFolder

DEFAULT_CHANNEL = "conda-forge"
MANAGERS = ("conda", "virtualenv")
"""Whose files are read, the preferred one first."""

BY_CONVENTION = {"conda": "conda.yaml", "virtualenv": "python_env.yaml", "requirements": "requirements.txt"}
"""MLflow's own names, for an MLmodel that names no environment file."""


def read_model_environment(model: ModelFolder) -> EnvironmentSpec:
    """Return what the model's environment files ask for.

    Raises
    ------
    EnvironmentFileError
        If no file says so, a named one is absent, or one is not what it should be.
    """
    kind, path, warnings = _choose_file(model)
    if kind == "conda":
        spec = from_conda_yaml(path, root=model.path, add_pip=True)
    elif kind == "virtualenv":
        spec = _from_python_env(path, model.path)
    else:
        spec = _from_requirements(path, model.path)
    spec = replace(spec, imports=modules_of(model), warnings=(*warnings, *spec.warnings))
    return _with_python(spec, model)


def from_conda_yaml(path: Path, *, root: Path | None, add_pip: bool) -> EnvironmentSpec:
    """Return what a conda.yaml asks for.

    Parameters
    ----------
    root
        The folder that its paths may not leave; None for the kit's own files.
    add_pip
        Whether a ``pip:`` list without ``pip`` gets it: else users find no pip of this environment in a shell.

    Raises
    ------
    EnvironmentFileError
        If the file, or one that it refers to, is not what it should be.
    """
    conda = read_conda_yaml(path)
    pip = Requirements(LocalFiles(root))
    pip.add(conda.pip or ())
    packages = [package.text for package in conda.packages]
    warnings = list(conda.warnings)
    if add_pip and conda.pip is not None and not any(package.name == "pip" for package in conda.packages):
        packages.append("pip")
        warnings.append(f"{path.name} has a `pip:` list but no pip; pip is added")
    return EnvironmentSpec(
        source=path.name,
        channels=conda.channels or (DEFAULT_CHANNEL,),
        python=_python(conda),
        conda=tuple(sorted(packages)),
        variables=conda.variables,
        warnings=tuple(warnings),
        **_pip_part(pip),  # type: ignore[arg-type]
    )


def _from_python_env(path: Path, root: Path) -> EnvironmentSpec:
    found = read_python_env(path)
    pip = Requirements(LocalFiles(root))
    pip.add(found.pip)
    return EnvironmentSpec(
        source=path.name,
        channels=(DEFAULT_CHANNEL,),
        python=_pin(found.python, path.name),
        conda=() if _has_pip(pip) else ("pip",),
        **_pip_part(pip),  # type: ignore[arg-type]
    )


def _from_requirements(path: Path, root: Path) -> EnvironmentSpec:
    pip = Requirements(LocalFiles(root))
    pip.add(lines_of_file(path))
    return EnvironmentSpec(
        source=path.name,
        channels=(DEFAULT_CHANNEL,),
        conda=() if _has_pip(pip) else ("pip",),
        **_pip_part(pip),  # type: ignore[arg-type]
    )


def _choose_file(model: ModelFolder) -> tuple[str, Path, tuple[str, ...]]:
    """Return the kind of file, its path, and what must be said about the choice."""
    # MLflow may name files for further managers, which say nothing else.
    named = {kind: name for kind, name in model.python_function.environment_files.items() if kind in MANAGERS}
    for kind in MANAGERS:
        if kind in named and (model.path / named[kind]).is_file():
            other = named.get("conda") if kind == "virtualenv" else None
            absent = f"MLmodel names {other}, which is absent; {named[kind]} is used"
            return kind, _inside(model, named[kind]), (absent,) if other else ()
    if named:
        names = " and ".join(sorted(set(named.values())))
        raise EnvironmentFileError(
            f"MLmodel names the environment file {names}, which is not in the model's folder.",
            where=str(model.path),
            next="Log the model again, or put the file back.",
        )
    for kind, name in BY_CONVENTION.items():
        if (model.path / name).is_file():
            return kind, _inside(model, name), (f"MLmodel names no environment file; {name} is used",)
    raise EnvironmentFileError(
        "Nothing says which environment the model needs: MLmodel names no file, and there is none.",
        where=str(model.path),
        next="Add a conda.yaml, or log the model again with pip_requirements=[...].",
    )


def _inside(model: ModelFolder, name: str) -> Path:
    path = model.path / name
    if not path.resolve().is_relative_to(model.path.resolve()):
        raise EnvironmentFileError(
            f"The environment file {name} lies outside of the model's folder.", where=str(path), next="Copy it inside."
        )
    return path


def _with_python(spec: EnvironmentSpec, model: ModelFolder) -> EnvironmentSpec:
    """Return the spec with the Python that the model was logged with, where its file names no version."""
    if spec.python not in (None, "python"):
        return spec
    version = model.python_function.python_version
    if version is None:
        raise EnvironmentFileError(
            "Nothing says which Python the model needs.",
            where=f"neither {spec.source} nor MLmodel's python_version",
            next=f"Name it in {spec.source}, such as `- python=3.11`.",
        )
    warning = f"{spec.source} names no Python version; MLmodel's {version} is used"
    return replace(spec, python=_pin(version, "MLmodel"), warnings=(*spec.warnings, warning))


def _pin(version: str | None, file: str) -> str | None:
    if version is None:
        return None
    try:
        operator = "" if version[:1] in "<>=!~" else "="
        return parse_match_spec(f"python{operator}{version}").text
    except ValueError as fault:
        raise EnvironmentFileError(
            f"`{version}` is no Python version.", where=file, next="Write it as 3.11 or 3.11.7."
        ) from fault


def _python(conda: CondaFile) -> str | None:
    return conda.python.text if conda.python is not None else None


def _has_pip(pip: Requirements) -> bool:
    return any(line.split("=")[0].split("<")[0].split(">")[0].strip().lower() == "pip" for line in pip.requirements)


def _pip_part(pip: Requirements) -> dict[str, object]:
    return {
        "requirements": tuple(sorted(set(pip.requirements), key=str.lower)),
        "constraints": tuple(sorted(set(pip.constraints), key=str.lower)),
        "pip_options": pip.options,
        "files": dict(sorted(pip.files.collected.items())),
    }
