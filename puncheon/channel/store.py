"""The cache outside the repository, and the kit's channel that is filled from it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from puncheon.channel.index import index_channel
from puncheon.channel.progress import Progress

KIT = Path(__file__).parents[2]
CHANNEL = KIT / "conda/channel"
MADE = "stand-ins.json"
"""In the channel's folder: names the packages that ``fill`` put there, so that newer ones can take their place."""

HALF_MADE = ".half-made-"


def cache_folder() -> Path:
    """Return the user's cache folder for channels (XDG base directory specification)."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    # The specification: a relative path is to be ignored.
    return Path(root if root.startswith("/") else Path.home() / ".cache") / "puncheon/channel"


@contextmanager
def locked(cache: Path, progress: Progress) -> Iterator[None]:
    """Hold the cache: one process makes things, others wait for it; what a killed one left half made is removed."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say("another process is making a channel: wait for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in cache.glob(f"{HALF_MADE}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def cached(cache: Path, key: str, make: Callable[[Path], object], *, refresh: bool = False) -> list[Path]:
    """Return the packages under ``key``, which ``make`` first writes into a folder where they are absent.

    The folder takes its name only when ``make`` has returned.
    """
    folder = cache / key
    if refresh or not folder.is_dir():
        scratch = Path(tempfile.mkdtemp(dir=cache, prefix=HALF_MADE))
        try:
            make(scratch)
            shutil.rmtree(folder, ignore_errors=True)
            scratch.chmod(0o755)
            scratch.rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return sorted(folder.glob("*.conda"))


def fill(channel: Path, made: Iterable[tuple[str, Path]]) -> list[Path]:
    """Put packages, each with its platform folder, into the channel, remove those of an earlier fill, and index it.

    Returns
    -------
    list
        All packages of the channel, also those that were there before.
    """
    channel.mkdir(parents=True, exist_ok=True)
    names = {f"{subdir}/{package.name}": package for subdir, package in made}
    for left in channel.glob(f"*/{HALF_MADE}*"):
        left.unlink()
    for name, package in names.items():
        target = channel / name
        if target.exists() and target.samefile(package):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        half_made = target.with_name(f"{HALF_MADE}{target.name}")
        link_or_copy(package, half_made)
        half_made.replace(target)
    manifest = channel / MADE
    earlier = json.loads(manifest.read_text()) if manifest.is_file() else []
    for name in set(earlier) - names.keys():
        (channel / name).unlink(missing_ok=True)
    text = json.dumps(sorted(names), indent=2) + "\n"
    if not manifest.is_file() or manifest.read_text() != text:
        manifest.write_text(text)
    return index_channel(channel)


def link_or_copy(source: Path, target: Path) -> None:
    """Make ``target`` the same file as ``source``, or a copy of it on another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
