"""What a start writes, and the one line in which it says what was chosen."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from puncheon.apply import in_one_line
from puncheon.capabilities import Capabilities, Capability, choose
from puncheon.settings import read
from tests.serving import KIT

PROVEN = Capabilities(Capability(True, "it was forked"), Capability(False, "neighbours matter"))

LINES = {
    "puncheon": (
        {},
        "puncheon: 4 CPUs: nginx :5000 (4 processes, 310 s) -> gunicorn :31311 (1 processes, 300 s) -> "
        "model (2 processes of 2 math threads, score 270000 ms; preload true: it was forked; "
        "batching off: neighbours matter); stop within 8 s",
    ),
    "puncheon, as set": (
        {"WORKER_COUNT": "1", "WORKER_THREADS": "1", "WORKER_PRELOAD": "false", "BATCHING": "on", "STOP_TIMEOUT": "20"},
        "puncheon: 4 CPUs: nginx :5000 (4 processes, 310 s) -> gunicorn :31311 (1 processes, 300 s) -> "
        "model (1 processes of 1 math threads, score 270000 ms; preload false: as set; "
        "batching on: as set); stop within 20 s",
    ),
    "azmlinfsrv": (
        {"SERVER": "azmlinfsrv"},
        "puncheon: 4 CPUs: nginx :5000 (4 processes, 310 s) -> "
        "azmlinfsrv :31311 (1 processes, 300 s, score 270000 ms); stop within 8 s",
    ),
}


@pytest.mark.parametrize(("environ", "expected"), LINES.values(), ids=LINES.keys())
def test_a_start_says_in_one_line_what_was_chosen_and_why(environ: dict[str, str], expected: str) -> None:
    """Ports, processes, limits, and the reasons for preload and batching."""
    assert expected == in_one_line(choose(read(environ, lambda: 4), PROVEN), 4)


def apply(root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Apply as the entrypoint does, below ``root``."""
    return subprocess.run(
        [sys.executable, "-m", "puncheon", "apply", "--root", root],
        cwd=KIT,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An image's root: built with changed settings, its model proven to be forkable."""
    folder = tmp_path / "var/azureml-app"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps({"SERVER": "puncheon", "MAX_BODY_MB": "7"}))
    capabilities = {"preload": {"allowed": True, "reason": "it was forked"}}
    (folder / "proof.json").write_text(json.dumps({"capabilities": capabilities}))
    return tmp_path


def exported(root: Path) -> dict[str, Any]:
    """Return the settings that shell scripts receive."""
    text = (root / "tmp/puncheon-settings.sh").read_text()
    return dict(re.findall(r"(?m)^export (\w+)=(.*)$", text))


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {"MAX_BODY_MB": "7", "QUEUE_MAX_MB": "14", "WORKER_PRELOAD": "true", "BATCHING": "off"}),
        ({"MAX_BODY_MB": "9", "BATCHING": "on"}, {"MAX_BODY_MB": "9", "QUEUE_MAX_MB": "18", "BATCHING": "on"}),
        ({"SERVER": "azmlinfsrv"}, {"WORKER_PRELOAD": "true"}),
    ],
    ids=["as built", "overridden", "a setting of the build"],
)
def test_services_receive_finished_settings(root: Path, variables: dict[str, str], expected: dict[str, str]) -> None:
    """Those of the build, overridden by the container's environment where that is allowed; no `auto` is left."""
    done = apply(root, **variables)

    assert (0, "") == (done.returncode, done.stderr)
    assert 1 == len(done.stdout.splitlines())
    assert expected.items() <= exported(root).items()


def test_without_a_proof_nothing_is_taken_for_proven(root: Path) -> None:
    """As in the proof itself, which comes before its record."""
    (root / "var/azureml-app/proof.json").unlink()

    done = apply(root)

    assert "preload false: the build did not prove it; batching off: the build did not prove it" in done.stdout


def test_an_impossible_setting_stops_the_start(root: Path) -> None:
    """Exit code 2 and the reason; nothing is written."""
    done = apply(root, QUEUE_MAX_MB="1")

    assert (2, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("error: QUEUE_MAX_MB=1 MiB is below MAX_BODY_MB=7 MiB.\n")
    assert not (root / "tmp").exists()


def test_a_place_that_cannot_be_written_is_told_with_the_way_round(root: Path) -> None:
    """A read-only root without a tmpfs."""
    (root / "tmp").write_text("no folder")

    done = apply(root)

    assert 2 == done.returncode
    assert "--read-only --tmpfs /tmp" in done.stderr
    assert "Traceback" not in done.stderr
