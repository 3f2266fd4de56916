"""The cache, and the channel that is filled from it."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from puncheon.channel.index import packages
from puncheon.channel.progress import Progress
from puncheon.channel.store import HALF_MADE, cache_folder, cached, fill, link_or_copy, locked
from tests.puncheon.channel.conftest import MakePackage


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        pytest.param("/caches", "/caches/puncheon/channel", id="set"),
        pytest.param("", "/home/me/.cache/puncheon/channel", id="empty"),
        pytest.param("relative", "/home/me/.cache/puncheon/channel", id="relative"),
        pytest.param(None, "/home/me/.cache/puncheon/channel", id="not set"),
    ],
)
def test_the_cache_lies_where_users_have_their_caches(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, expected: str
) -> None:
    """As the XDG base directory specification says."""
    monkeypatch.setenv("HOME", "/home/me")
    if variable is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", variable)

    assert expected == str(cache_folder())


def test_what_is_cached_is_not_made_again(tmp_path: Path) -> None:
    """Unless it is asked for."""
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / f"p-{len(made)}-0.conda").touch()

    first = cached(tmp_path, "key", make)
    second = cached(tmp_path, "key", make)
    fresh = cached(tmp_path, "key", make, refresh=True)

    assert first == second == [tmp_path / "key/p-1-0.conda"]
    assert [tmp_path / "key/p-2-0.conda"] == fresh


def test_what_fails_half_way_is_not_cached(tmp_path: Path) -> None:
    """A key stands for whole things only, and what it stood for before stays."""
    cached(tmp_path, "key", lambda folder: (folder / "p-1-0.conda").touch())

    def fail(folder: Path) -> None:
        (folder / "half.conda").touch()
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        cached(tmp_path, "key", fail, refresh=True)

    assert ["key"] == [path.name for path in tmp_path.iterdir()]
    assert ["p-1-0.conda"] == [path.name for path in (tmp_path / "key").iterdir()]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """By the next one that holds the cache."""
    (tmp_path / f"{HALF_MADE}x").mkdir()
    with locked(tmp_path, Progress()):
        assert [".lock"] == [path.name for path in tmp_path.iterdir()]


def test_a_second_process_waits_and_says_so(tmp_path: Path) -> None:
    """Two clones on one machine make things once."""
    code = (
        "import sys, pathlib\n"
        "from puncheon.channel.progress import Progress\n"
        "from puncheon.channel.store import locked\n"
        "with locked(pathlib.Path(sys.argv[1]), Progress()):\n"
        "    print('holds it', flush=True)\n"
    )
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert second.stdout is not None
        waits = second.stdout.readline()
    held, _ = second.communicate(timeout=30)

    assert "another process is making a channel" in waits
    assert "holds it\n" == held


def test_a_channel_keeps_what_its_owner_put_there(tmp_path: Path, make_package: MakePackage) -> None:
    """Only what an earlier fill brought gives way to a newer one."""
    channel = tmp_path / "channel"
    make_package(channel / "linux-64", {"own": b""}, name="own")
    old = make_package(tmp_path / "cache", {"a": b"old"}, name="made")
    new = make_package(tmp_path / "cache", {"a": b"new"}, name="made")
    fill(channel, [("linux-64", old)])
    fill(channel, [("linux-64", new)])

    assert ["made", "own"] == [path.name.split("-")[0] for path in packages(channel)]
    assert new.name in {path.name for path in packages(channel)}


def test_filling_again_changes_nothing(tmp_path: Path, make_package: MakePackage) -> None:
    """A second `make channel` spoils no build's cache."""
    package = make_package(tmp_path / "cache", {"a": b"1"})
    contents = []
    for _ in range(2):
        fill(tmp_path / "channel", [("linux-64", package)])
        files = [path for path in (tmp_path / "channel").rglob("*") if path.is_file()]
        contents.append({path: path.read_bytes() for path in files})

    assert contents[0] == contents[1]


def test_packages_are_linked_where_they_can_be(tmp_path: Path) -> None:
    """A second clone costs no room."""
    (tmp_path / "a").write_text("x")
    link_or_copy(tmp_path / "a", tmp_path / "b")

    assert (tmp_path / "a").samefile(tmp_path / "b")
