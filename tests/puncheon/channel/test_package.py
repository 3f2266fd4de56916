"""Writing packages, and reading them as an installer would."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest
import rattler
from conda_package_streaming.create import conda_builder
from rattler import PathsJson

from puncheon.channel.index import index_channel
from puncheon.channel.package import is_binary, verify_package, write_package
from puncheon.errors import ChannelError
from tests.puncheon.channel.conftest import PLACEHOLDER, MakePackage, description


def write_archive(folder: Path, stem: str, members: dict[str, bytes]) -> Path:
    """A .conda file with exactly these members."""
    with conda_builder(stem, folder, compression_level=1) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return folder / f"{stem}.conda"


def test_prefixes_are_found_in_text_and_in_binaries(tmp_path: Path, make_package: MakePackage) -> None:
    """Each file that holds the placeholder is recorded with the way to replace it; compiled or not."""
    prefix = PLACEHOLDER.encode()
    package = make_package(
        tmp_path / "out", {"bin/script": b"#!" + prefix, "lib/x.so": b"\x7fELF\0" + prefix, "bin/plain": b"none"}
    )
    found = {
        str(path.relative_path): path.prefix_placeholder
        and ("TEXT" if path.prefix_placeholder.file_mode.text else "BINARY")
        for path in PathsJson.from_package_archive(package).paths
    }

    assert {"bin/plain": None, "bin/script": "TEXT", "lib/x.so": "BINARY"} == found


def test_an_installed_file_has_the_prefix_of_its_place(tmp_path: Path, make_package: MakePackage) -> None:
    """Rattler replaces the placeholder, and pads it in binaries."""
    prefix = PLACEHOLDER.encode()
    channel = tmp_path / "channel"
    make_package(
        channel / str(rattler.Subdir.current()),
        {"etc/text": prefix + b"/etc", "lib/x.so": b"\x7fELF\0" + prefix + b"/lib\0end"},
        subdir=str(rattler.Subdir.current()),
        depends=(),
    )
    index_channel(channel)
    records = asyncio.run(
        rattler.solve(
            sources=[rattler.Channel(channel.as_uri())],
            specs=["small"],
            platforms=[str(rattler.Subdir.current()), "noarch"],
        )
    )
    place = tmp_path / "place"
    asyncio.run(rattler.install(records, target_prefix=place, cache_dir=tmp_path / "cache"))

    assert f"{place}/etc" == (place / "etc/text").read_text()
    binary = (place / "lib/x.so").read_bytes()
    assert binary.startswith(b"\x7fELF\0" + str(place).encode() + b"/lib\0")
    assert (len(prefix) + 13, b"end") == (len(binary), binary[-3:])


def test_links_modes_and_hidden_files_are_kept(tmp_path: Path) -> None:
    """What is in the folder is in the package, less empty folders."""
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "bin/program").write_text("x")
    (root / "bin/program").chmod(0o755)
    (root / "bin/link").symlink_to("program")
    (root / ".hidden").write_text("")
    package = write_package(description(), root, tmp_path / "out")
    rattler.package_streaming.extract(package, tmp_path / "read")

    assert "program" == str((tmp_path / "read/bin/link").readlink())
    assert 0o755 == (tmp_path / "read/bin/program").stat().st_mode & 0o777
    assert [".hidden", "bin/link", "bin/program"] == (tmp_path / "read/info/files").read_text().split()


def test_packing_twice_gives_one_record(tmp_path: Path, make_package: MakePackage) -> None:
    """The name holds a hash of the content, so the same files lead to the same name."""
    names = {make_package(tmp_path / out, {"a": b"1"}).name for out in ("one", "two")}

    assert 1 == len(names)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"text \xc3\xa4", False, id="UTF-8"),
        pytest.param(b"", False, id="empty"),
        pytest.param(b"a\0b", True, id="NUL"),
        pytest.param(b"caf\xe9", True, id="Latin-1"),
    ],
)
def test_text_is_what_decodes(content: bytes, expected: bool) -> None:
    """Only in text may a replaced prefix change a file's length."""
    assert expected == is_binary(content)


def paths(**entries: object) -> bytes:
    return json.dumps({"paths": [{"_path": "a", "path_type": "hardlink", **entries}], "paths_version": 1}).encode()


INDEX = json.dumps({"name": "x", "version": "1", "build": "0", "build_number": 0, "depends": [], "subdir": "linux-64"})
SHA256_OF_1 = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"


@pytest.mark.parametrize(
    ("stem", "members", "complaint"),
    [
        pytest.param(
            "x-1-0", {"a": b"1", "info/paths.json": paths(sha256=SHA256_OF_1)}, "cannot be read", id="no index"
        ),
        pytest.param(
            "x-1-0", {"a": b"2", "info/paths.json": paths(sha256=SHA256_OF_1)}, "not as recorded: a", id="sha256"
        ),
        pytest.param("x-1-0", {"a": b"1", "info/paths.json": paths(size_in_bytes=2)}, "not as recorded: a", id="size"),
        pytest.param("x-1-0", {"info/paths.json": paths()}, "absent: a", id="absent"),
        pytest.param("x-1-0", {"a": b"1", "b": b"", "info/paths.json": paths()}, "not recorded: b", id="not recorded"),
        pytest.param("y-1-0", {"a": b"1", "info/paths.json": paths()}, "it calls itself x-1-0", id="another name"),
    ],
)
def test_a_damaged_package_is_named_with_its_fault(
    tmp_path: Path, stem: str, members: dict[str, bytes], complaint: str
) -> None:
    """The error says which package, and what is wrong with it."""
    index = {} if complaint == "cannot be read" else {"info/index.json": INDEX.encode()}
    package = write_archive(tmp_path, stem, {**members, **index})
    with pytest.raises(ChannelError) as raised:
        verify_package(package)

    assert str(package) == raised.value.where
    assert complaint in raised.value.report()


def test_a_file_that_is_no_package_is_named(tmp_path: Path) -> None:
    """A download that was cut short, for instance."""
    package = tmp_path / "x-1-0.conda"
    package.write_bytes(b"PK\x03\x04 cut short")

    with pytest.raises(ChannelError, match="cannot be read"):
        verify_package(package)


def test_an_old_package_without_paths_json_is_read(tmp_path: Path) -> None:
    """Air-gapped sites keep .tar.bz2 files from before 2017."""
    root = tmp_path / "root"
    (root / "info").mkdir(parents=True)
    (root / "a").write_text("1")
    (root / "info/index.json").write_text(INDEX)
    (root / "info/files").write_text("a\n")
    package = tmp_path / "x-1-0.tar.bz2"
    with tarfile.open(package, "w:bz2") as archive:
        for name in ("a", "info/index.json", "info/files"):
            archive.add(root / name, arcname=name)
    shutil.rmtree(root)

    verify_package(package)


def test_a_package_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """The name of a package only ever stands for a whole one."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "a").write_text("1")
    out = tmp_path / "out"
    with pytest.raises(FileNotFoundError):
        write_package(description(), root, out, licenses={"x": tmp_path / "absent"})

    assert [] == list(out.iterdir())
