"""Writes a folder of files as a ``.conda`` package, and reads packages back as an installer would.

The archive is conda's own library's work (``conda_package_streaming``), the reading ``rattler``'s.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from conda_package_streaming.create import anonymize, conda_builder  # type: ignore[import-untyped]
from rattler import IndexJson, PathsEntry, PathsJson
from rattler.package_streaming import extract

from puncheon.channel.record import (
    NOARCH,
    PackageDescription,
    PathRecord,
    about_json,
    build_string,
    index_json,
    link_json,
    paths_json,
)
from puncheon.errors import ChannelError

COMPRESSION_LEVEL = 12
"""zstd's: CPython in 3 s and 15 MB, where conda's own 19 takes 20 s for 13 MB."""


def write_package(
    package: PackageDescription,
    files: Path,
    folder: Path,
    *,
    placeholder: str | None = None,
    licenses: Mapping[str, Path] | None = None,
) -> Path:
    """Write ``files`` as a package into ``folder``, read it back, and only then give it its name there.

    Parameters
    ----------
    files
        A folder that stands for the prefix; empty folders in it are left out.
    placeholder
        The prefix that the files were made for: files that hold it are recorded, for an installer to replace it.
    licenses
        Texts for ``info/licenses``, by file name.

    Returns
    -------
    Path
        ``folder/NAME-VERSION-BUILD.conda``.

    Raises
    ------
    ChannelError
        If the package that was written does not read back as what it should be.
    """
    paths = [describe(path, files, placeholder) for path in sorted(files.rglob("*")) if _is_packed(path)]
    build = build_string(package, paths)
    stem = f"{package.name}-{package.version}-{build}"
    information = {
        "about.json": about_json(package),
        "index.json": index_json(package, build),
        "paths.json": paths_json(paths),
    }
    if package.subdir == NOARCH:
        information["link.json"] = link_json(package)
    texts = {name: json.dumps(content, indent=2, sort_keys=True) + "\n" for name, content in information.items()}
    texts["files"] = "".join(f"{path.path}\n" for path in paths)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".half-made-") as scratch:
        with conda_builder(
            stem, scratch, compression_level=COMPRESSION_LEVEL, compression_threads=os.cpu_count() or 1
        ) as archive:
            for path in paths:
                archive.add(files / path.path, arcname=path.path, recursive=False, filter=anonymize)
            for name, text in sorted(texts.items()):
                _add_text(archive, f"info/{name}", text.encode(), package.timestamp)
            for name, license_file in sorted((licenses or {}).items()):
                _add_text(archive, f"info/licenses/{name}", license_file.read_bytes(), package.timestamp)
        half_made = Path(scratch, f"{stem}.conda")
        verify_package(half_made)
        target = folder / half_made.name
        half_made.replace(target)
    return target


def describe(path: Path, root: Path, placeholder: str | None) -> PathRecord:
    """Return the record of one file or link below ``root``."""
    name = path.relative_to(root).as_posix()
    if path.is_symlink():
        content = path.read_bytes() if path.is_file() else b""
        return PathRecord(name, hashlib.sha256(content).hexdigest(), path.lstat().st_size, link=True)
    content = path.read_bytes()
    held = placeholder is not None and placeholder.encode() in content
    return PathRecord(
        name,
        hashlib.sha256(content).hexdigest(),
        len(content),
        placeholder=placeholder if held else None,
        binary=held and is_binary(content),
    )


def is_binary(content: bytes) -> bool:
    """Tell whether a prefix in this content may only be replaced without changing the file's length."""
    if b"\0" in content:
        return True
    try:
        content.decode()
    except UnicodeDecodeError:
        return True
    return False


def verify_package(package: Path) -> None:
    """Read a package with rattler and compare every file with its record.

    Raises
    ------
    ChannelError
        If the package cannot be read, or a file is absent, not recorded, or not what its record says.
    """
    with tempfile.TemporaryDirectory(prefix="puncheon-verify-") as scratch:
        root = Path(scratch)
        try:
            extract(package, root)
            index = IndexJson.from_package_directory(root)
            # Packages of before 2017 have no paths.json, but say the same in other files.
            contents = PathsJson.from_package_directory_with_deprecated_fallback(root)
            recorded = {str(path.relative_path): path for path in contents.paths if not path.path_type.directory}
        except Exception as error:  # rattler raises bare exceptions of many kinds
            raise ChannelError("A conda package cannot be read.", where=str(package), detail=[str(error)]) from error
        expected = f"{index.name.normalized}-{index.version}-{index.build}"
        faults = [] if package.name.startswith(f"{expected}.") else [f"it calls itself {expected}"]
        present = {
            path.relative_to(root).as_posix(): path
            for path in root.rglob("*")
            if _is_packed(path) and path.relative_to(root).parts[0] != "info"
        }
        faults += [f"not recorded: {name}" for name in sorted(present.keys() - recorded.keys())]
        faults += [f"absent: {name}" for name in sorted(recorded.keys() - present.keys())]
        for name in sorted(present.keys() & recorded.keys()):
            record = recorded[name]
            # What is recorded of a link differs between the tools that make packages.
            if not present[name].is_symlink() and not _is_as_recorded(present[name], record):
                faults.append(f"not as recorded: {name}")
    if faults:
        raise ChannelError("A conda package is damaged.", where=str(package), detail=faults)


def _is_as_recorded(path: Path, record: PathsEntry) -> bool:
    """Compare a file with what its record knows of it; rattler reads a size of 0 as None, as it does an absent one."""
    content = path.read_bytes()
    return record.size_in_bytes in (None, len(content)) and (
        record.sha256 is None or record.sha256 == hashlib.sha256(content).digest()
    )


def _is_packed(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


def _add_text(archive: tarfile.TarFile, name: str, content: bytes, timestamp: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mtime = timestamp
    archive.addfile(entry, io.BytesIO(content))
