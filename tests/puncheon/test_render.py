"""Rendered files against goldens; `pytest --update-goldens` is the one way to change those."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from puncheon.capabilities import Capabilities, choose
from puncheon.document import PLACES, updated
from puncheon.render import KIT, File, Link, image_files, settings_sh, start_files, write
from puncheon.settings import read

GOLDEN = Path(__file__).parent.parent / "data" / "rendered"
CHANGED = {
    "WORKER_TIMEOUT": "600",
    "NGINX_PORT": "5001",
    "MAX_BODY_MB": "7",
    "ACCESS_LOG": "false",
    "STOP_TIMEOUT": "20",
    "WORKER_COUNT": "3",
    "BATCHING": "off",
}
CASES: dict[str, dict[str, str]] = {
    "default": {},
    "changed": CHANGED,
    "azmlinfsrv": {"SERVER": "azmlinfsrv"},
}


def rendered(environ: dict[str, str]) -> list[File | Link]:
    return image_files(environ) + start_files(choose(read(environ, lambda: 2), Capabilities()).settings)


def as_text(entries: list[File | Link]) -> dict[str, str]:
    """Return what depends on a template; the small conda is copied as it is and has tests of its own."""
    entries = [entry for entry in entries if not entry.path.startswith("/opt/miniconda/")]
    return {
        entry.path: f"-> {entry.target}\n" if isinstance(entry, Link) else f"mode {entry.mode:o}\n{entry.text}"
        for entry in entries
    }


@pytest.mark.parametrize("case", CASES)
def test_the_rendered_tree_is_the_golden_one(case: str, request: pytest.FixtureRequest) -> None:
    """Every file, link and mode: for the defaults, for changed settings, and for the other server."""
    actual = as_text(rendered(CASES[case]))
    folder = GOLDEN / case
    if request.config.getoption("--update-goldens"):
        shutil.rmtree(folder, ignore_errors=True)
        for path, text in actual.items():
            target = folder / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    expected = {f"/{path.relative_to(folder)}": path.read_text() for path in folder.rglob("*") if path.is_file()}

    assert expected == actual


@pytest.mark.parametrize(
    ("server", "services"),
    [("puncheon", {"gunicorn", "model", "nginx", "rsyslog"}), ("azmlinfsrv", {"gunicorn", "nginx", "rsyslog"})],
)
def test_each_server_has_its_services(server: str, services: set[str]) -> None:
    """Our own has a fourth: the model's processes."""
    runs = [Path(entry.path) for entry in image_files({"SERVER": server}) if entry.path.endswith("/run")]

    assert services == {path.parent.name for path in runs}


def test_rendering_twice_gives_the_same() -> None:
    """The output depends on the settings alone."""
    assert rendered({}) == rendered({})


def test_writing_leaves_nothing_half_written(tmp_path: Path) -> None:
    """Files are moved into place, links replaced, modes kept, no temporary name stays."""
    entries = rendered({})
    write(entries, tmp_path)
    write(entries, tmp_path)

    found = sorted(
        f"/{path.relative_to(tmp_path)}" for path in tmp_path.rglob("*") if path.is_symlink() or path.is_file()
    )

    assert sorted(entry.path for entry in entries) == found
    assert 0o755 == (tmp_path / "var/runit/nginx/run").stat().st_mode & 0o777


def test_settings_reach_shell_scripts_finished() -> None:
    """Derived values are filled in, so that no script computes one."""
    lines = settings_sh(read({"WORKER_TIMEOUT": "600"}, lambda: 2)).splitlines()

    assert {"export WORKER_TIMEOUT=600", "export SCORING_TIMEOUT_MS=540000", "export PROXY_TIMEOUT=610"} <= set(lines)


@pytest.mark.parametrize("name", PLACES)
def test_generated_blocks_are_up_to_date(name: str) -> None:
    """`make render` was run after the last change of a setting."""
    assert updated(name) == (KIT / name).read_text()
