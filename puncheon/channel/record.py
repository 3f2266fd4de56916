"""What a conda package says of itself: ``index.json``, ``about.json``, ``paths.json``, ``link.json``.

Format: conda's own package specification (docs.conda.io, "Package metadata") and its enhancement proposals.
Nothing here touches the disk.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# conda's platform names, by the machine names of uname(2).
SUBDIRS = {"x86_64": "linux-64", "aarch64": "linux-aarch64", "arm64": "linux-aarch64"}
NOARCH = "noarch"


@dataclass(frozen=True)
class PackageDescription:
    """All that a package says of itself, less its files.

    Parameters
    ----------
    subdir
        ``linux-64``, ``linux-aarch64`` or ``noarch``; ``noarch`` here always means ``noarch: python``.
    variant
        What the build string ends with, ``cpython`` for instance; empty for none.
    timestamp
        Seconds since 1970; of the source, not of the packing, so that packing twice gives the same record.
    entry_points
        ``name = module:function``, made at installation; ``noarch`` packages only.
    site_packages
        Where packages for this interpreter go, below the prefix; ``python`` packages only.
    extra
        Free facts for ``about.json``.
    """

    name: str
    version: str
    subdir: str
    depends: tuple[str, ...]
    license: str
    summary: str
    home: str
    timestamp: int
    variant: str = ""
    build_number: int = 0
    constrains: tuple[str, ...] = ()
    entry_points: tuple[str, ...] = ()
    site_packages: str | None = None
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class PathRecord:
    """One file of a package.

    Parameters
    ----------
    path
        Below the prefix, with ``/``.
    sha256
        Of the file's content; for a link, of the content that it leads to.
    size
        Bytes; for a link, of its target's name.
    placeholder
        The prefix that an installer must replace in this file, if it holds one.
    binary
        Whether the replacement must keep the file's length.
    link
        Whether the file is a symbolic link.
    """

    path: str
    sha256: str
    size: int
    placeholder: str | None = None
    binary: bool = False
    link: bool = False

    def entry(self) -> dict[str, Any]:
        """Return this file's entry of ``paths.json``."""
        entry: dict[str, Any] = {
            "_path": self.path,
            "path_type": "softlink" if self.link else "hardlink",
            "sha256": self.sha256,
            "size_in_bytes": self.size,
        }
        if self.placeholder:
            entry |= {"prefix_placeholder": self.placeholder, "file_mode": "binary" if self.binary else "text"}
        return entry


def paths_json(paths: Sequence[PathRecord]) -> dict[str, Any]:
    """Return ``info/paths.json``, in the order of the paths' names."""
    return {"paths": [path.entry() for path in sorted(paths, key=lambda path: path.path)], "paths_version": 1}


def build_string(package: PackageDescription, paths: Sequence[PathRecord]) -> str:
    """Return conda's build string, whose hash follows the content: two builds that differ never share a file name."""
    content = json.dumps([index_json(package, ""), about_json(package), paths_json(paths)], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:7]
    kind = "pyh" if package.subdir == NOARCH else "h"
    return "_".join(filter(None, (f"{kind}{digest}", str(package.build_number), package.variant)))


def index_json(package: PackageDescription, build: str) -> dict[str, Any]:
    """Return ``info/index.json``, from which solvers learn of the package."""
    index: dict[str, Any] = {
        "build": build,
        "build_number": package.build_number,
        "depends": list(package.depends),
        "license": package.license,
        "name": package.name,
        "subdir": package.subdir,
        "timestamp": package.timestamp * 1000,
        "version": package.version,
    }
    if package.constrains:
        index["constrains"] = list(package.constrains)
    if package.subdir == NOARCH:
        index |= {"arch": None, "platform": None, "noarch": "python"}
    else:
        index |= {"arch": _machine(package.subdir), "platform": package.subdir.partition("-")[0]}
    if package.site_packages:
        index["python_site_packages_path"] = package.site_packages
    return index


def about_json(package: PackageDescription) -> dict[str, Any]:
    """Return ``info/about.json``, which is for people."""
    about: dict[str, Any] = {"home": package.home, "license": package.license, "summary": package.summary}
    if package.extra:
        about["extra"] = dict(package.extra)
    return about


def link_json(package: PackageDescription) -> dict[str, Any]:
    """Return ``info/link.json``, which tells an installer the scripts of a ``noarch: python`` package."""
    return {
        "noarch": {"type": "python", "entry_points": list(package.entry_points)},
        "package_metadata_version": 1,
    }


def _machine(subdir: str) -> str:
    return {"linux-64": "x86_64", "linux-aarch64": "aarch64"}[subdir]
