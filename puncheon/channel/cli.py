"""``python -m puncheon channel``: make, extend or index the kit's local conda channel."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from puncheon.channel.index import index_channel, packages
from puncheon.channel.probe import DEFAULT_CHANNEL, probe
from puncheon.channel.progress import Progress
from puncheon.channel.store import CHANNEL, KIT, cache_folder, cached, fill, locked
from puncheon.environment.condarc import read_condarc
from puncheon.errors import ChannelError

DEFAULT_SERIES = "3.11"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument("--channel", type=Path, default=CHANNEL, help="folder of the channel (default: %(default)s)")
    parser.add_argument("--force", action="store_true", help="make it even where a conda channel answers")
    parser.add_argument("--refresh", action="store_true", help="make the packages anew, whatever the cache holds")
    parser.add_argument("--python", default=DEFAULT_SERIES, metavar="X.Y", help="CPython to compile (%(default)s)")
    parser.add_argument(
        "--base-image",
        default=os.environ.get("BASE_IMAGE") or default_base(KIT / "Dockerfile"),
        help="image to compile it in (default: BASE_IMAGE, else the Dockerfile's)",
    )
    parser.add_argument("--probe", default=DEFAULT_CHANNEL, metavar="CHANNEL", help="channel to try (%(default)s)")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--from-prefix", type=Path, metavar="DIR", help="add the CPython that is installed in DIR")
    other.add_argument("--index", action="store_true", help="index the packages that lie in the folder")


def default_base(dockerfile: Path) -> str:
    """Return the base image that a build takes where none is named.

    Raises
    ------
    ChannelError
        If the Dockerfile names none.
    """
    for line in dockerfile.read_text().splitlines():
        if line.startswith("ARG BASE_IMAGE="):
            return line.partition("=")[2].strip()
    raise ChannelError("The Dockerfile names no BASE_IMAGE.", where=str(dockerfile), next="name one with --base-image")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; without an option, make the stand-in channel where no conda channel answers."""
    progress = Progress()
    if arguments.index:
        return _report(progress, arguments.channel, index_channel(arguments.channel))
    if arguments.from_prefix:
        # Imported here: what only one of the ways needs must not stand in the way of the others.
        from puncheon.channel.installation import pack_installation

        pack_installation(arguments.from_prefix, arguments.channel, progress)
        return _report(progress, arguments.channel, index_channel(arguments.channel))
    if not arguments.force:
        condarc = read_condarc(KIT / "conda/build-config/.condarc")
        answer = probe(arguments.probe, condarc.urls(arguments.probe)[0])
        progress.say(f"conda channel {answer.channel}: {answer.words}")
        if answer.usable:
            progress.say("no local channel is needed; to make one all the same: scripts/channel --force")
            if packages(arguments.channel):
                progress.say(f"{arguments.channel} holds packages and is used first; remove it to do without")
            return 0
    make_stand_in(arguments, progress)
    return 0


def make_stand_in(arguments: argparse.Namespace, progress: Progress) -> None:
    """Fill the channel with ``python`` and ``pip`` from the cache, making there what it lacks."""
    from puncheon.channel.cpython import compile_cpython, inspect_base
    from puncheon.channel.pip_wheels import make_wheel_packages, wheels_key
    from puncheon.container import engine

    client = engine()
    base = inspect_base(client, arguments.base_image)
    cache = cache_folder()
    key = base.key(arguments.python)
    log = cache / "log" / f"{key}.log"
    progress.say(f"local channel for {base.image} ({base.subdir}, glibc {base.glibc}); cache: {cache}")

    def compile_into(folder: Path) -> None:
        progress.say(f"compile CPython {arguments.python}: takes minutes, once; log: {log}")
        compile_cpython(client, base, arguments.python, folder, log, progress)

    def pack_wheels_into(folder: Path) -> None:
        progress.say("pack pip, setuptools and wheel from the package index")
        make_wheel_packages(folder)

    with locked(cache, progress):
        wheels = cached(cache, f"noarch-{wheels_key()}", pack_wheels_into, refresh=arguments.refresh)
        python = cached(cache, key, compile_into, refresh=arguments.refresh)
        made = [*(("noarch", package) for package in wheels), *((base.subdir, package) for package in python)]
        _report(progress, arguments.channel, fill(arguments.channel, made))


def _report(progress: Progress, channel: Path, found: list[Path]) -> int:
    by_folder: dict[str, list[str]] = {}
    for path in found:
        name, version, _ = path.name.removesuffix(".conda").removesuffix(".tar.bz2").rsplit("-", 2)
        by_folder.setdefault(path.parent.name, []).append(f"{name} {version}")
    for folder, names in by_folder.items():
        progress.say(f"{folder}: {', '.join(names)}")
    progress.say(f"{channel}: {len(found)} packages indexed")
    return 0
