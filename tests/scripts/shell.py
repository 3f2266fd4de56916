"""The kit's shell scripts as tests call them: as programs, or one function after sourcing."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

KIT = Path(__file__).resolve().parents[2]
SCRIPTS = KIT / "scripts"


def environment(**variables: str | Path) -> dict[str, str]:
    """Return this process's environment without what would choose another engine or base, and with ``variables``."""
    chosen = re.compile(r"DOCKER_(HOST|CONTEXT)|BASE_IMAGE|PUNCHEON_.*|NO_COLOR")
    kept = {name: value for name, value in os.environ.items() if not chosen.fullmatch(name)}
    return {**kept, **{name: str(value) for name, value in variables.items()}}


def run_script(
    name: str, *arguments: str, within: tuple[str, ...] = (), **variables: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run ``scripts/<name>`` to its end, with both streams kept apart; ``within`` is a command that wraps it."""
    return subprocess.run(
        [*within, SCRIPTS / name, *arguments],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def source(
    name: str, code: str, *arguments: str | Path, variables: Mapping[str, str | Path] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Source ``scripts/<name>`` and run ``code`` with ``arguments`` as ``$1`` and so on."""
    return subprocess.run(
        ["bash", "-c", f'set -euo pipefail; . "{SCRIPTS / name}"; {code}', name, *map(str, arguments)],
        env=environment(**(variables or {})),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        input=stdin,
    )


def said(name: str, code: str, *arguments: str | Path, stdin: str = "") -> str:
    """Return what ``code`` printed, which must succeed."""
    result = source(name, code, *arguments, stdin=stdin)
    assert result.returncode == 0, result.stderr
    return result.stdout.rstrip("\n")
