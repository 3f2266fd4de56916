"""The whole kit is clean: ruff, mypy strict, shellcheck, hadolint; and the tree in the README is the tree."""

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
