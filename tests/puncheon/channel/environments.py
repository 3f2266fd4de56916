"""Conda environments from a local channel, as a build makes them, and the interpreters that this machine has."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import rattler

from puncheon.channel.installation import Installation, ask, refuse_unfit
from puncheon.errors import ChannelError

STANDARD_MODULES = (
    "_ctypes, _decimal, _elementtree, _hashlib, _uuid, bz2, ctypes, curses.panel, hashlib, lzma, pyexpat, readline, "
    "sqlite3, ssl, uuid, zlib"
)
"""Of the standard library: those that need a shared library, or are easily left out of a build."""


@dataclass(frozen=True)
class Environment:
    """An installed environment: its prefix, and ``name version`` of its packages."""

    prefix: Path
    packages: dict[str, str]

    def run(self, *command: str, **environment: str) -> str:
        """Run a program of the environment and return what it prints; an error is the test's."""
        program = str(self.prefix / "bin" / command[0])
        done = subprocess.run(
            [program, *command[1:]], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **environment}
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout.strip()


def solve(channel: Path, *specs: str) -> list[rattler.RepoDataRecord]:
    """Solve ``specs`` from the channel alone, for this machine."""
    machine = str(rattler.Subdir.current())
    return asyncio.run(
        rattler.solve(
            sources=[rattler.Channel(channel.as_uri())],
            specs=list(specs),
            platforms=[machine, "noarch"],
            virtual_packages=[package.into_generic() for package in rattler.VirtualPackage.detect()],
        )
    )


def install(channel: Path, prefix: Path, *specs: str) -> Environment:
    """Make an environment of ``specs`` at ``prefix``."""
    records = solve(channel, *specs)
    asyncio.run(rattler.install(records, target_prefix=prefix, cache_dir=prefix.with_name(f"{prefix.name}-cache")))
    return Environment(prefix, {record.name.normalized: str(record.version) for record in records})


def interpreters() -> dict[str, Installation]:
    """Return the CPythons of this machine that can be packed, by series, from PATH and from pyenv's folder."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    named = [shutil.which(f"python3.{minor}") for minor in range(8, 15)]
    found: dict[str, Installation] = {}
    for path in [*filter(None, named), *map(str, pyenv.glob("versions/3.*/bin/python3"))]:
        try:
            installation = ask(Path(path))
            if installation.prefix != installation.base_prefix:
                installation = ask(Path(installation.base_prefix) / "bin/python3")
            refuse_unfit(installation)
        except ChannelError:
            continue
        found.setdefault(installation.series, installation)
    return found
