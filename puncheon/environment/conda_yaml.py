"""conda.yaml, as MLflow writes it and as people change it.

Source of the format: conda's own ``environment.yml`` (``name``, ``prefix``, ``channels``, ``dependencies``,
``variables``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from puncheon.environment.match_spec import CondaPackage, parse_match_spec
from puncheon.environment.requirements import Line
from puncheon.errors import EnvironmentFileError
from puncheon.yaml_file import YamlValue, read_yaml

IGNORED_KEYS = frozenset({"name", "prefix", "platforms"})
"""Keys that say nothing about what is installed here."""


@dataclass(frozen=True)
class CondaFile:
    """What a conda.yaml asks for; ``pip`` is None where it has no ``pip:`` list."""

    channels: tuple[str, ...] = ()
    python: CondaPackage | None = None
    packages: tuple[CondaPackage, ...] = ()
    pip: tuple[Line, ...] | None = None
    variables: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read_conda_yaml(path: Path) -> CondaFile:
    """Read a conda environment file.

    Raises
    ------
    EnvironmentFileError
        With file, line and entry, if it is no YAML or not of the shape that conda takes.
    """
    document = read_yaml(path, EnvironmentFileError)
    top = document.mapping(path.name)
    if "dependencies" not in top:
        raise document.fault(f"{path.name} has no `dependencies:`.", next="List at least python there.")
    python, packages, pip = _dependencies(top["dependencies"], path)
    unknown = sorted(set(top) - IGNORED_KEYS - {"channels", "dependencies", "variables"})
    return CondaFile(
        channels=_channels(top.get("channels")),
        python=python,
        packages=packages,
        pip=pip,
        variables=_variables(top.get("variables")),
        warnings=tuple(f"{path.name}: conda knows no key `{key}:`; it is ignored" for key in unknown),
    )


def _channels(value: YamlValue | None) -> tuple[str, ...]:
    if value is None or value.is_null:
        return ()
    names = [entry.text("A channel") for entry in value.sequence("`channels:`")]
    return tuple(dict.fromkeys(name for name in names if name != "nodefaults"))


def _variables(value: YamlValue | None) -> dict[str, str]:
    if value is None or value.is_null:
        return {}
    return {
        name: "" if entry.is_null else entry.text(f"The variable `{name}`")
        for name, entry in value.mapping("`variables:`").items()
    }


def _dependencies(
    value: YamlValue, path: Path
) -> tuple[CondaPackage | None, tuple[CondaPackage, ...], tuple[Line, ...] | None]:
    python: CondaPackage | None = None
    packages: dict[str, CondaPackage] = {}
    pip: tuple[Line, ...] | None = None
    for entry in value.sequence("`dependencies:`"):
        if entry.is_mapping:
            pip = (*(pip or ()), *_pip(entry, path))
            continue
        package = _package(entry)
        if package.name == "python":
            if python is not None and python.text != package.text:
                raise entry.fault(f"`{python.text}` and `{package.text}` are both asked for.", next="Keep one.")
            python = package
        else:
            packages[package.text] = package
    return python, tuple(packages[text] for text in sorted(packages)), pip


def _package(entry: YamlValue) -> CondaPackage:
    text = entry.text("An entry of `dependencies:`")
    try:
        return parse_match_spec(text)
    except ValueError as fault:
        raise entry.fault(
            f"`{text}` is no conda package: {fault}.",
            next="Write name, name=version or channel::name=version; what only pip has goes below `- pip:`.",
        ) from fault


def _pip(entry: YamlValue, path: Path) -> tuple[Line, ...]:
    pairs = entry.mapping("An entry of `dependencies:`")
    if set(pairs) != {"pip"}:
        name = next(iter(sorted(set(pairs) - {"pip"})))
        raise entry.fault(f"`{name}:` is no entry that conda takes.", next="Write packages as `- name=version`.")
    if pairs["pip"].is_null:
        raise entry.fault("`pip:` has nothing under it.", next="Indent its packages by two more spaces than `- pip:`.")
    return tuple(
        Line(line.text("An entry of `pip:`"), line.where, path.parent) for line in pairs["pip"].sequence("`pip:`")
    )
