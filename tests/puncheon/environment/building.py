"""Environments made by the verb itself, from small wheels and conda packages made for the purpose."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puncheon.environment.envfiles import write_tree
from puncheon.environment.spec import EnvironmentSpec

KIT = Path(__file__).resolve().parents[3]
CHANNEL = KIT / "conda" / "channel"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "puncheon" / "tests"
"""Downloads are kept between runs."""

NOWHERE = "http://127.0.0.1:9"
"""Nothing answers there."""

SERVER = ("--server", "azmlinfsrv")


@dataclass(frozen=True)
class Built:
    """What a run of the verb left and said."""

    prefix: Path
    code: int
    output: str
    error: str

    @property
    def report(self) -> dict[str, Any]:
        """The report that it left in the environment; without one, what it said is the test's failure."""
        assert 0 == self.code, self.error
        report: dict[str, Any] = json.loads((self.prefix / "share/puncheon/environment.json").read_text())
        return report

    def said(self, label: str) -> str:
        """One part of the error (``error``, ``where``, ``next``, or ``|`` for the detail), unwrapped."""
        part, lines = "", []
        for line in self.error.splitlines():
            if line.lstrip().startswith("|"):
                part, text = "|", line.lstrip()[1:]
            elif line.startswith(" " * 7):
                text = line
            else:
                part, _, text = line.partition(":")
            if part == label:
                lines.append(text.strip())
        return " ".join(lines)


@dataclass(frozen=True)
class Builder:
    """Runs the verb with nothing of the machine's own configuration."""

    folder: Path
    channel: Path = CHANNEL

    def conda_yaml(self, text: str, *arguments: str, **variables: str) -> Built:
        """Make an environment of a conda.yaml."""
        path = self.folder / "conda.yaml"
        path.write_text(text)
        return self.run("--file", str(path), *arguments, **variables)

    def pip(self, requirements: Sequence[str], *arguments: str, python: str = "3.11", **variables: str) -> Built:
        """Make an environment of a Python and of lines for pip."""
        lines = "".join(f"      - {line}\n" for line in requirements)
        return self.conda_yaml(f"dependencies:\n  - python={python}\n  - pip:\n{lines}", *arguments, **variables)

    def spec(self, spec: EnvironmentSpec, *arguments: str) -> Built:
        """Make an environment of what `envfiles` would have written."""
        write_tree(spec, self.folder / "envfiles")
        return self.run("--files", str(self.folder / "envfiles"), *arguments)

    def run(self, *arguments: str, **variables: str) -> Built:
        """Run the verb."""
        prefix = self.folder / "opt" / "env"
        command = [
            *(sys.executable, "-m", "puncheon", "environment", "--prefix", str(prefix), "--channel", str(self.channel)),
            *("--cache", str(CACHE), *arguments),
        ]
        done = subprocess.run(
            command, env=environment(self.folder, variables), text=True, capture_output=True, check=False, timeout=540
        )
        return Built(prefix, done.returncode, done.stdout, done.stderr)


def environment(home: Path, changes: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a run: this machine's certificates, and nothing of pip's or conda's configuration."""
    foreign = ("PIP_", "CONDA", "UV_", "PYTHON", "VIRTUAL_ENV", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "HOME": str(home), "XDG_CONFIG_DIRS": str(home / "none"), "PYTHONPATH": str(KIT), **changes}


def wheel(
    folder: Path, name: str, version: str, requires: Sequence[str] = (), modules: Mapping[str, str] | None = None
) -> Path:
    """Write a small wheel; ``modules`` are file names with their text, by default one module of the wheel's name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = [
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        *(f"Requires-Dist: {r}\n" for r in requires),
    ]
    with zipfile.ZipFile(path, "w") as archive:
        for module, text in (modules or {f"{name}.py": f'VERSION = "{version}"\n'}).items():
            archive.writestr(module, text)
        archive.writestr(f"{info}/METADATA", "".join(metadata))
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/RECORD", "")
    return path
