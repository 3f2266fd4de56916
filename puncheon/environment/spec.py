"""What an environment file asks for, in one form whatever the file: the format of the tree that ``envfiles`` writes.

The tree::

    environment.json     channels, Python, conda packages, pip options, variables, modules to import
    requirements.txt     what pip is to install, one requirement a line
    constraints.txt      where the model constrains versions
    files/...            the wheels, archives and folders that requirements.txt names, as they lie in the model

It holds nothing that differs between two trainings in one environment, so it can key a build cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

from puncheon.errors import EnvironmentFileError

FORMAT = 1
SPEC = "environment.json"
REQUIREMENTS = "requirements.txt"
CONSTRAINTS = "constraints.txt"
FILES = "files"


@dataclass(frozen=True)
class PipOptions:
    """pip's own options that an environment file may hold; where packages come from and which kind is taken.

    ``find_links`` are URLs, or folders relative to the tree.
    """

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()
    no_index: bool = False
    pre: bool = False
    require_hashes: bool = False

    def __or__(self, other: PipOptions) -> PipOptions:
        """Return both together, in order; of two index URLs the other's wins, as with pip."""
        merged: dict[str, object] = {}
        for option in fields(PipOptions):
            mine, others = getattr(self, option.name), getattr(other, option.name)
            merged[option.name] = tuple(dict.fromkeys(mine + others)) if isinstance(mine, tuple) else others or mine
        return PipOptions(**merged)  # type: ignore[arg-type]


@dataclass(frozen=True)
class EnvironmentSpec:
    """An environment, as its files ask for it.

    Attributes
    ----------
    source
        The file that it was read from, as messages name it.
    channels
        conda channels, the most preferred first, without ``nodefaults``.
    python
        A conda match spec of ``python``, such as ``python 3.11.7.*``; None where nothing asks for a version.
    conda
        conda match specs of all other packages.
    requirements, constraints
        PEP 508 lines for pip, each on one line, local paths as ``./files/...``.
    variables
        What conda sets when the environment is activated.
    imports
        Modules that must import in the finished environment.
    warnings
        What was assumed, for the build's log and the proof's record.
    files
        Local files to bring along: the path in the tree, and where it is now.
    """

    source: str
    channels: tuple[str, ...] = ()
    python: str | None = None
    conda: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    pip_options: PipOptions = PipOptions()
    variables: Mapping[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    files: Mapping[PurePosixPath, Path] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return ``environment.json``: everything but the requirement lines and the files, with sorted keys."""
        content = {
            name: value for name, value in asdict(self).items() if name not in ("requirements", "constraints", "files")
        }
        return json.dumps({"format": FORMAT, **content}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_spec(folder: Path) -> EnvironmentSpec:
    """Read a tree that ``envfiles`` wrote.

    Raises
    ------
    EnvironmentFileError
        If the folder holds no such tree.
    """
    try:
        content = json.loads((folder / SPEC).read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise ValueError("it is of another version")
        options = content.pop("pip_options")
        return EnvironmentSpec(
            pip_options=PipOptions(**_frozen(options)),
            requirements=_lines(folder / REQUIREMENTS),
            constraints=_lines(folder / CONSTRAINTS),
            **_frozen(content),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise EnvironmentFileError(
            f"{folder} is not what `envfiles` writes: {fault}.",
            where=str(folder / SPEC),
            next="Make it with: python -m puncheon envfiles MODEL FOLDER",
        ) from fault


def _frozen(content: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}


def _lines(path: Path) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8").splitlines()) if path.exists() else ()
