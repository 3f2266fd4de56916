"""What is installed in a prefix: conda's packages from their records, pip's from the metadata beside their code."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass

from conda_front.channels import PYPI, Channel, channel
from conda_front.errors import CondaError
from conda_front.prefixes import read_json

ANCHOR = re.compile(r".*/site-packages/[^/]+\.(dist-info/METADATA|egg-info/PKG-INFO|egg-info)")
"""Files by which a Python package is known; one in a conda record belongs to that conda package."""

SUBDIRS = {"x86_64": "linux-64", "aarch64": "linux-aarch64", "ppc64le": "linux-ppc64le", "s390x": "linux-s390x"}


@dataclass(frozen=True)
class Package:
    """One installed package, under the names that conda's own lists use."""

    name: str
    version: str
    build: str
    build_number: int
    channel: Channel
    subdir: str

    @property
    def requirement(self) -> str:
        """The form of ``conda list --export``."""
        return f"{self.name}={self.version}={self.build}"

    def as_json(self) -> dict[str, object]:
        """Return the object of ``conda list --json``."""
        return {
            "base_url": self.channel.base_url,
            "build_number": self.build_number,
            "build_string": self.build,
            "channel": self.channel.name,
            "dist_name": f"{self.name}-{self.version}-{self.build}",
            "name": self.name,
            "platform": self.subdir,
            "version": self.version,
        }


def installed(prefix: str, *, pip: bool = True) -> list[Package]:
    """Return all packages in a prefix, sorted by name.

    A conda package that pip has replaced since (its metadata is gone) is left out in favour of pip's.

    Raises
    ------
    CondaError
        If a conda record cannot be read.
    """
    found: list[Package] = []
    owned: set[str] = set()
    python = ""
    for path in _records(prefix):
        record = _record(path)
        files = record.get("files")
        anchors = [str(name) for name in files if ANCHOR.fullmatch(str(name))] if isinstance(files, list) else []
        if anchors and not all(os.path.exists(os.path.join(prefix, anchor)) for anchor in anchors):
            continue
        owned.update(anchor.split("/site-packages/")[1].split("/")[0] for anchor in anchors)
        package = _from_record(record)
        found.append(package)
        if package.name == "python":
            python = package.version
    if pip and python:
        found += _from_pip(prefix, python, owned)
    return sorted(found, key=lambda package: package.name.lower())


def matching(packages: Iterable[Package], pattern: str, *, whole: bool = False) -> list[Package]:
    """Return the packages whose name matches a regular expression, letter case aside; with ``whole``, is it.

    Raises
    ------
    CondaError
        If the expression is none, or nothing matches.
    """
    try:
        expression = re.compile(re.escape(pattern) if whole else pattern, re.IGNORECASE)
    except re.error as error:
        raise CondaError("CondaValueError", f"'{pattern}' is not a regular expression: {error}") from error
    search = expression.fullmatch if whole else expression.search
    matches = [package for package in packages if search(package.name)]
    if not matches:
        raise CondaError("CondaValueError", f"No packages match '{pattern}'.")
    return matches


def subdir() -> str:
    """Return conda's name of this platform."""
    machine = platform.machine()
    return SUBDIRS.get(machine, f"linux-{machine}")


def _records(prefix: str) -> list[str]:
    folder = os.path.join(prefix, "conda-meta")
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise CondaError("CorruptedEnvironmentError", f"{folder} cannot be read: {error}") from error
    return [os.path.join(folder, name) for name in sorted(names) if name.endswith(".json")]


def _record(path: str) -> dict[str, object]:
    record = read_json(path)
    if not isinstance(record, dict) or not {"name", "version", "build"} <= record.keys():
        raise CondaError("CorruptedEnvironmentError", f"{path} is no record of a conda package")
    return record


def _from_record(record: dict[str, object]) -> Package:
    package_subdir = str(record.get("subdir") or subdir())
    number = record.get("build_number")
    return Package(
        name=str(record["name"]),
        version=str(record["version"]),
        build=str(record["build"]),
        build_number=number if isinstance(number, int) else 0,
        channel=channel(str(record.get("channel") or ""), package_subdir),
        subdir=package_subdir,
    )


def _from_pip(prefix: str, python: str, owned: set[str]) -> list[Package]:
    folder = os.path.join(prefix, "lib", f"python{'.'.join(python.split('.')[:2])}", "site-packages")
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    packages = []
    for name in names:
        if name in owned or not name.endswith((".dist-info", ".egg-info")):
            continue
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            path = os.path.join(path, "METADATA" if name.endswith(".dist-info") else "PKG-INFO")
        headers = _headers(path)
        if headers.get("name") and headers.get("version"):
            packages.append(
                Package(
                    name=re.sub(r"[._]", "-", headers["name"]).lower(),
                    version=headers["version"],
                    build="pypi_0",
                    build_number=0,
                    channel=PYPI,
                    subdir="pypi",
                )
            )
    return packages


def _headers(path: str) -> dict[str, str]:
    """Return the one-line headers of a metadata file, names in lower case; none where it cannot be read."""
    headers: dict[str, str] = {}
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if not line.strip():
                    break
                name, _, value = line.partition(":")
                headers.setdefault(name.lower(), value.strip())
    except OSError:
        return {}
    return headers
