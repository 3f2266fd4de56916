"""What a package says of itself."""

from __future__ import annotations

import json

import pytest
from rattler import AboutJson, IndexJson

from puncheon.channel.record import PathRecord, about_json, build_string, index_json, link_json, paths_json
from tests.puncheon.channel.conftest import description

PATH = PathRecord("bin/x", "0" * 64, 1)


def test_rattler_reads_the_index_record_of_an_interpreter() -> None:
    """All that a solver and an installer need arrives."""
    package = description(
        name="python", constrains=("python_abi 3.11.* *_cp311",), site_packages="lib/python3.11/site-packages"
    )
    read = IndexJson.from_str(json.dumps(index_json(package, "h0_0")))

    assert ("python", "1.0", "h0_0", "linux-64") == (
        read.name.normalized,
        str(read.version),
        str(read.build),
        read.subdir,
    )
    assert (["__glibc >=2.17"], ["python_abi 3.11.* *_cp311"]) == (read.depends, read.constrains)
    assert ("x86_64", "linux") == (read.arch, read.platform)
    assert "lib/python3.11/site-packages" == read.python_site_packages_path
    assert read.timestamp is not None
    assert 1_600_000_000 == read.timestamp.timestamp()


def test_a_noarch_package_has_no_architecture() -> None:
    """What runs anywhere names no machine, and says that Python paths are to be filled in."""
    index = index_json(description(subdir="noarch"), "pyh0_0")

    assert (None, None, "python") == (index["arch"], index["platform"], index["noarch"])


def test_scripts_are_left_to_the_installer() -> None:
    """Entry points stand in link.json, in the form that installers read."""
    link = link_json(description(subdir="noarch", entry_points=("pip = pip:main",)))

    assert {"type": "python", "entry_points": ["pip = pip:main"]} == link["noarch"]


def test_free_facts_reach_people() -> None:
    """What a package was built from can be read with conda's own tools."""
    about = AboutJson.from_str(json.dumps(about_json(description(extra={"built-from": "source"}))))

    assert {"built-from": "source"} == about.extra


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(PATH, {"path_type": "hardlink"}, id="plain"),
        pytest.param(PathRecord("l", "0" * 64, 1, link=True), {"path_type": "softlink"}, id="link"),
        pytest.param(
            PathRecord("t", "0" * 64, 1, placeholder="/p"),
            {"path_type": "hardlink", "prefix_placeholder": "/p", "file_mode": "text"},
            id="text with prefix",
        ),
        pytest.param(
            PathRecord("b", "0" * 64, 1, placeholder="/p", binary=True),
            {"path_type": "hardlink", "prefix_placeholder": "/p", "file_mode": "binary"},
            id="binary with prefix",
        ),
    ],
)
def test_paths_say_how_to_install_them(record: PathRecord, expected: dict[str, str]) -> None:
    """Links, and both ways of replacing a prefix, are told apart."""
    (entry,) = paths_json([record])["paths"]

    assert {"_path": record.path, "sha256": "0" * 64, "size_in_bytes": 1, **expected} == entry


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((description(), [PathRecord("bin/x", "1" * 64, 1)]), id="another content"),
        pytest.param((description(depends=()), [PATH]), id="other dependencies"),
        pytest.param((description(timestamp=1), [PATH]), id="another time"),
    ],
)
def test_packages_that_differ_have_other_names(other: tuple[object, object]) -> None:
    """A cache that goes by file names never takes one package for another."""
    assert build_string(description(), [PATH]) != build_string(*other)  # type: ignore[arg-type]


def test_the_same_package_has_the_same_name() -> None:
    """The order in which files are found does not matter."""
    paths = [PATH, PathRecord("bin/y", "1" * 64, 1)]

    assert build_string(description(), paths) == build_string(description(), paths[::-1])


def test_build_strings_read_as_conda_forges() -> None:
    """Kind, hash, number, variant."""
    assert build_string(description(variant="cpython"), [PATH]).startswith("h")
    assert build_string(description(variant="cpython"), [PATH]).endswith("_0_cpython")
    assert build_string(description(subdir="noarch"), [PATH]).startswith("pyh")
