"""scripts/channel, and the recipe that it runs in the base image."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import docker
import pytest

from puncheon.channel.store import HALF_MADE
from tests.scripts.shell import KIT, SCRIPTS, environment, run_script

RECIPE = KIT / "puncheon/channel/compile_cpython.sh"
UNREACHABLE = "http://127.0.0.1:9/channel"


def test_no_options_are_guessed() -> None:
    """A mistyped one is named, and nothing is done."""
    done = run_script("channel", "--from-perfix", "x")

    assert 2 == done.returncode
    assert "--from-perfix" in done.stderr
    assert "" == done.stdout


def test_a_kit_without_its_environment_says_what_makes_it(tmp_path: Path) -> None:
    """The first call on a fresh clone, by somebody who did not use make."""
    done = run_script("channel", VIRTUAL_ENV=tmp_path)

    assert 2 == done.returncode
    assert "next:  make venv" in done.stderr


def test_a_channel_that_answers_leaves_the_folder_alone(tmp_path: Path) -> None:
    """It says so, and how to have a local one all the same."""
    (tmp_path / "site/noarch").mkdir(parents=True)
    (tmp_path / "site/noarch/repodata.json").write_text("{}")
    done = run_script("channel", "--probe", (tmp_path / "site").as_uri(), "--channel", str(tmp_path / "channel"))

    assert 0 == done.returncode, done.stderr
    assert "answers" in done.stdout
    assert "scripts/channel --force" in done.stdout
    assert not (tmp_path / "channel").exists()


def test_no_engine_ends_with_the_way_to_one(tmp_path: Path) -> None:
    """Where a stand-in is needed and cannot be made; nothing is left."""
    done = run_script(
        *("channel", "--probe", UNREACHABLE, "--channel", str(tmp_path / "channel")),
        DOCKER_HOST=f"unix://{tmp_path}/none.sock",
    )

    assert 2 == done.returncode
    assert "cannot be reached" in done.stdout
    assert "next:  make engine" in done.stderr
    assert len(done.stderr.splitlines()) < 24
    assert not (tmp_path / "channel").exists()


def test_index_works_from_any_folder(tmp_path: Path) -> None:
    """Relative names are the caller's."""
    (tmp_path / "channel").mkdir()
    done = run_script("channel", "--index", "--channel", "channel", within=("env", "-C", str(tmp_path)))

    assert 0 == done.returncode, done.stderr
    assert (tmp_path / "channel/noarch/repodata.json").is_file()


@pytest.mark.engine
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither the container nor half a package nor a traceback."""
    cache = tmp_path / "puncheon/channel"
    series = "3.11"  # one that compiles, for minutes
    running = subprocess.Popen(
        [
            *(SCRIPTS / "channel", "--probe", UNREACHABLE, "--python", series),
            *("--channel", tmp_path / "channel"),
        ],
        env=environment(XDG_CACHE_HOME=tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    assert any("python: compile" in line for line in running.stdout)
    os.killpg(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    with contextlib.closing(docker.from_env()) as client:
        containers = [each.attrs["Config"]["Env"] or [] for each in client.containers.list(all=True)]

    assert (130, "interrupted\n") == (running.returncode, errors)
    assert [] == [each for each in containers if f"SERIES={series}" in each]
    assert [] == list(cache.glob(f"{HALF_MADE}*"))
    assert not (tmp_path / "channel").exists()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param(
            "sources.list.d/debian.sources",
            "Types: deb\nURIs: http://x/debian\nSuites: bookworm\n\nTypes: deb deb-src\nURIs: http://x/security\n",
            [
                "Types: deb-src",
                "URIs: http://x/debian",
                "Suites: bookworm",
                "",
                "Types: deb-src",
                "URIs: http://x/security",
            ],
            id="deb822",
        ),
        pytest.param(
            "sources.list",
            "# a comment\ndeb http://x/ubuntu jammy main universe\ndeb-src http://x/ubuntu jammy main\n",
            ["deb-src http://x/ubuntu jammy main universe"],
            id="one-line",
        ),
        pytest.param(
            "sources.list.d/site.list",
            "  deb [signed-by=/k.gpg arch=amd64] http://x/site stable main\n",
            ["deb-src [signed-by=/k.gpg arch=amd64] http://x/site stable main"],
            id="one-line with options",
        ),
    ],
)
def test_source_packages_are_found_where_binary_ones_are(
    tmp_path: Path, name: str, text: str, expected: list[str]
) -> None:
    """A base image lists no source packages, in whichever format it lists the others."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    subprocess.run(
        ["bash", "-c", '. "$0"; enable_sources', str(RECIPE)],
        env={"PATH": "/usr/bin:/bin", "RECIPE": "functions", "APT_FOLDER": str(tmp_path)},
        check=True,
    )
    written = [
        path for path in (tmp_path / "sources.list.d").iterdir() if "-source" in path.name or "source-" in path.name
    ]
    lines = [line for path in written for line in path.read_text().splitlines()]

    assert expected == lines
    assert text == (tmp_path / name).read_text()
