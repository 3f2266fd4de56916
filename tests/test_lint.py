"""The whole kit is clean: ruff, mypy strict, shellcheck, hadolint; what its documents name is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from puncheon.declarations import SETTINGS

KIT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *(f"docs/{path.name}" for path in (KIT / "docs").glob("*.md"))]
VARIABLES = {
    # of the Makefile, of the image, and of the build's arguments
    *re.findall(r"(?m)^([A-Z_]+) *\??=", (KIT / "Makefile").read_text()),
    *re.findall(r"(?m)^(?:ENV| {3}) ?([A-Z_]+)=", (KIT / "Dockerfile").read_text()),
    *re.findall(r"(?m)^ARG ([A-Z_]+)", (KIT / "Dockerfile").read_text()),
    *(setting.name for setting in SETTINGS),
}


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
        "bench",
        "clean",
    ]

    done = subprocess.run(["make", "help"], cwd=KIT, capture_output=True, text=True, check=True)

    assert set(wanted) <= {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every file that a page links to is there."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (KIT / page).read_text())

    assert [] == [link for link in links if not (KIT / page).parent.joinpath(link).exists()]


def test_settings_in_the_servers_page_are_declared() -> None:
    """A setting that was renamed is renamed there."""
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)\b", (KIT / "docs/server.md").read_text()))

    assert named <= VARIABLES
