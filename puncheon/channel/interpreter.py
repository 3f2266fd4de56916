"""Makes a CPython installation that lies in a folder into conda's ``python`` package.

Two ways lead here: ``cpython`` compiles one for the placeholder, in the base image; ``installation`` takes one that is
there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from puncheon.channel.package import write_package
from puncheon.channel.record import PackageDescription
from puncheon.channel.shared_libraries import required_glibc, set_search_paths
from puncheon.channel.trim import trim
from puncheon.errors import ChannelError

PLACEHOLDER = "/opt/puncheon_placeholder".ljust(255, "_")
"""The prefix that packages are made for: as long as conda's own, so that any real prefix fits in its place."""

PREFIX_KEEPERS = ("bin/python", "bin/python3")


def make_python_package(
    root: Path,
    subdir: str,
    folder: Path,
    *,
    licenses: Mapping[str, Path],
    extra: Mapping[str, Any],
) -> Path:
    """Make ``root``, a CPython prefix with the shared libraries that it needs, into a package in ``folder``.

    ``root`` is changed: trimmed, its binaries made relocatable, links to the interpreter added.

    Raises
    ------
    ChannelError
        If ``root`` does not hold one CPython, or a binary cannot be changed.
    """
    version = python_version(root)
    series = series_of(version)
    timestamp = int((root / f"include/python{series}/patchlevel.h").stat().st_mtime)
    trim(root, series)
    for name in PREFIX_KEEPERS:
        link = root / name
        link.unlink(missing_ok=True)
        link.symlink_to(f"python{series}")
    drop_bytecode_with_prefix(root)
    set_search_paths(root)
    license_file = root / f"lib/python{series}/LICENSE.txt"
    tag = "cp" + series.replace(".", "")
    package = PackageDescription(
        name="python",
        version=version,
        subdir=subdir,
        depends=("__glibc >={}.{}".format(*required_glibc(root)),),
        constrains=(f"python_abi {series}.* *_{tag}",),
        license="Python-2.0",
        summary="General purpose programming language",
        home="https://www.python.org",
        timestamp=timestamp,
        variant="cpython",
        site_packages=f"lib/python{series}/site-packages",
        extra=extra,
    )
    return write_package(
        package,
        root,
        folder,
        placeholder=PLACEHOLDER,
        licenses={**licenses, **({"python.txt": license_file} if license_file.is_file() else {})},
    )


def python_version(root: Path) -> str:
    """Return the version that the headers of the CPython at ``root`` name, as conda writes it (``3.11.2``).

    Raises
    ------
    ChannelError
        If there is not exactly one CPython with headers.
    """
    headers = sorted(root.glob("include/python3*/patchlevel.h"))
    if len(headers) != 1:
        raise ChannelError(
            f"There must be the headers of one CPython, and there are those of {len(headers)}.",
            where=f"{root}/include",
            next="an installation without headers cannot be packed: install its development files first",
        )
    found = re.search(r'#define\s+PY_VERSION\s+"([^"+]+)\+?"', headers[0].read_text())
    if not found:
        raise ChannelError("The headers name no version of Python.", where=str(headers[0]))
    return found.group(1)


def series_of(version: str) -> str:
    """Return major and minor version: ``3.11`` of ``3.11.2``."""
    return ".".join(version.split(".")[:2])


def drop_bytecode_with_prefix(root: Path) -> None:
    """Remove compiled modules that hold the placeholder: marshalled strings have their length, so none can be replaced.

    These are modules of the build configuration (``_sysconfigdata``); Python compiles them when they are first used.
    """
    placeholder = PLACEHOLDER.encode()
    for path in root.rglob("*.pyc"):
        if placeholder in path.read_bytes():
            path.unlink()
