"""The whole kit is clean: ruff, mypy strict, shellcheck, hadolint; the README's tree and `make help` are true."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

KIT = Path(__file__).resolve().parents[1]


def test_lint() -> None:
    """`make lint` finds nothing."""
    done = subprocess.run([KIT / "scripts/lint"], capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout + done.stderr


def test_the_tree_in_the_readme_is_the_tree() -> None:
    """Each folder of the repository is named there, and nothing else."""
    block = re.search(r"(?ms)^## The tree\n+```\n(.*?)```", (KIT / "README.md").read_text())
    assert block
    named = {line.split("/")[0] for line in block[1].splitlines()[1:]}
    tracked = subprocess.run(["git", "ls-files"], cwd=KIT, check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )

    assert named == {name.split("/")[0] for name in tracked if "/" in name and not name.startswith(".")}


def test_make_help_lists_every_target() -> None:
    """The front door shows what is behind it."""
    wanted = [
        "demo",
        "build",
        "run",
        "shell",
        "logs",
        "score",
        "proof",
        "stop",
        "test",
        "lint",
        "lock",
        "render",
        "engine",
        "base",
        "channel",
        "clean",
    ]

    done = subprocess.run(["make", "help"], cwd=KIT, capture_output=True, text=True, check=True)

    assert set(wanted) <= {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
