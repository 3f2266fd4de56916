"""Indexes a channel's folder with rattler, so that the same packages always give the same index.

The folder is part of a build's context: an index that changes without its packages would spoil every cached stage.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from rattler.index import index_fs

from puncheon.channel.package import verify_package
from puncheon.channel.record import NOARCH
from puncheon.errors import ChannelError

SUFFIXES = (".conda", ".tar.bz2")
REPODATA = "repodata.json"


def packages(channel: Path) -> list[Path]:
    """Return the package files of a channel's platform folders, in order of their names."""
    return sorted(
        path for path in channel.glob("*/*") if path.name.endswith(SUFFIXES) and not path.name.startswith(".")
    )


def index_channel(channel: Path) -> list[Path]:
    """Write ``repodata.json`` of every platform folder, unless each is right as it is, and return its packages.

    Raises
    ------
    ChannelError
        If there is no such folder, a package lies outside a platform folder or cannot be read, or is not in the index
        afterwards; the index stays as it was.
    """
    if not channel.is_dir():
        raise ChannelError(
            "There is no such channel.",
            where=str(channel),
            next="make the folder and put packages into its linux-64/ and noarch/",
        )
    _refuse_stray(channel)
    if is_current(channel):
        return packages(channel)
    for path in packages(channel):
        verify_package(path)
    (channel / NOARCH).mkdir(exist_ok=True)
    try:
        # Only plain repodata.json: every conda tool reads it, and the folder is small. Forced, since a package that
        # was replaced by one of the same name would keep its old checksum.
        asyncio.run(index_fs(channel, write_zst=False, write_shards=False, force=True))
    except Exception as error:  # rattler raises bare exceptions of many kinds
        raise ChannelError("The local channel cannot be indexed.", where=str(channel), detail=[str(error)]) from error
    for repodata in channel.glob(f"*/{REPODATA}"):
        repodata.write_text(without_times(repodata.read_text()))
    shutil.rmtree(channel / ".tmp", ignore_errors=True)
    if not is_current(channel):
        raise ChannelError(
            "The channel's index does not list its packages as they are.",
            where=str(channel),
            next="see that each lies in the folder that its own index.json names as its subdir",
        )
    return packages(channel)


def without_times(repodata: str) -> str:
    """Return an index without the times at which its packages were indexed, in one order."""
    content = json.loads(repodata)
    for kind in ("packages", "packages.conda"):
        for record in content.get(kind, {}).values():
            record.pop("indexed_timestamp", None)
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def is_current(channel: Path) -> bool:
    """Tell whether the index lists exactly the packages that are there, each with its size and sha256."""
    if not (channel / NOARCH / REPODATA).is_file():
        return False
    found = packages(channel)
    listed = {
        (folder.name, name): record for folder in _platform_folders(channel) for name, record in records(folder).items()
    }
    if {(path.parent.name, path.name) for path in found} != listed.keys():
        return False
    return all(_is_as_recorded(path, listed[path.parent.name, path.name]) for path in found)


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the index's records of one platform folder by file name; empty where there is no index."""
    repodata = folder / REPODATA
    if not repodata.is_file():
        return {}
    content = json.loads(repodata.read_text())
    return {**content.get("packages", {}), **content.get("packages.conda", {})}


def _platform_folders(channel: Path) -> list[Path]:
    return [path for path in channel.iterdir() if path.is_dir()]


def _is_as_recorded(path: Path, record: dict[str, Any]) -> bool:
    return (
        record.get("size") == path.stat().st_size
        and record.get("sha256") == hashlib.sha256(path.read_bytes()).hexdigest()
        and record.get("subdir") == path.parent.name
    )


def _refuse_stray(channel: Path) -> None:
    stray = sorted(path for path in channel.glob("*") if path.name.endswith(SUFFIXES))
    if stray:
        raise ChannelError(
            "A package lies outside a platform folder.",
            where=str(stray[0]),
            next=f"move it to {channel}/linux-64, linux-aarch64 or noarch, as its origin names it",
        )
