"""Indexing a channel's folder."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from puncheon.channel.index import index_channel, is_current, records
from puncheon.errors import ChannelError
from tests.puncheon.channel.conftest import MakePackage


def test_the_index_holds_size_and_checksum(tmp_path: Path, make_package: MakePackage) -> None:
    """What an installer compares a download with is that of the file that is there."""
    package = make_package(tmp_path / "channel/linux-64", {"a": b"1"})
    index_channel(tmp_path / "channel")
    record = records(package.parent)[package.name]

    assert (package.stat().st_size, hashlib.sha256(package.read_bytes()).hexdigest()) == (
        record["size"],
        record["sha256"],
    )
    assert ("small", ["__glibc >=2.17"], "linux-64") == (record["name"], record["depends"], record["subdir"])


def test_indexing_again_changes_nothing(tmp_path: Path, make_package: MakePackage) -> None:
    """A build's cache is keyed on these files, so two clones with the same packages must hold the same bytes."""
    package = make_package(tmp_path / "cache", {"a": b"1"})
    contents = []
    for clone in ("one", "two"):
        channel = tmp_path / clone
        (channel / "linux-64").mkdir(parents=True)
        shutil.copy(package, channel / "linux-64")
        index_channel(channel)
        index_channel(channel)
        contents.append({path.name: path.read_bytes() for path in channel.glob("*/repodata.json")})
        assert ["linux-64", "noarch"] == sorted(path.name for path in channel.iterdir())

    assert contents[0] == contents[1]


def test_a_replaced_package_is_indexed_anew(tmp_path: Path, make_package: MakePackage) -> None:
    """A file of the same name with another content gets another checksum."""
    channel = tmp_path / "channel"
    package = make_package(channel / "linux-64", {"a": b"1"})
    index_channel(channel)
    before = records(package.parent)[package.name]["sha256"]
    # Another compression time in the archive: the same package to a reader, other bytes.
    package.write_bytes(package.read_bytes().replace(package.read_bytes()[10:14], b"\0\0\0\0", 1))
    assert not is_current(channel)
    index_channel(channel)

    assert before != records(package.parent)[package.name]["sha256"]


def test_a_removed_package_leaves_the_index(tmp_path: Path, make_package: MakePackage) -> None:
    """Nothing is offered that is not there."""
    package = make_package(tmp_path / "linux-64", {"a": b"1"})
    index_channel(tmp_path)
    package.unlink()
    index_channel(tmp_path)

    assert {} == records(package.parent)


def test_an_empty_folder_becomes_an_empty_channel(tmp_path: Path) -> None:
    """Conda asks every channel for noarch."""
    (tmp_path / "channel").mkdir()
    assert [] == index_channel(tmp_path / "channel")

    assert (tmp_path / "channel/noarch/repodata.json").is_file()


def test_a_package_beside_the_platform_folders_is_refused(tmp_path: Path, make_package: MakePackage) -> None:
    """The usual slip: dropping files into the channel's own folder."""
    make_package(tmp_path, {"a": b"1"})

    with pytest.raises(ChannelError, match="outside a platform folder"):
        index_channel(tmp_path)


def test_a_package_in_another_platforms_folder_is_refused(tmp_path: Path, make_package: MakePackage) -> None:
    """A solver would never find it there."""
    make_package(tmp_path / "linux-aarch64", {"a": b"1"}, subdir="linux-64")

    with pytest.raises(ChannelError):
        index_channel(tmp_path)


def test_a_damaged_package_leaves_the_index_as_it_was(tmp_path: Path, make_package: MakePackage) -> None:
    """The error names the file; what was indexed stays usable."""
    good = make_package(tmp_path / "linux-64", {"a": b"1"})
    index_channel(tmp_path)
    before = (tmp_path / "linux-64/repodata.json").read_bytes()
    bad = good.with_name("bad-1-0.conda")
    bad.write_bytes(good.read_bytes()[:-100])
    with pytest.raises(ChannelError) as raised:
        index_channel(tmp_path)

    assert str(bad) == raised.value.where
    assert before == (tmp_path / "linux-64/repodata.json").read_bytes()


def test_no_folder_is_no_channel(tmp_path: Path) -> None:
    """A mistyped path is not made into an empty channel."""
    with pytest.raises(ChannelError, match="no such channel"):
        index_channel(tmp_path / "absent")
