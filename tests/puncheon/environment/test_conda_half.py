"""The conda half: real packages from the kit's local channel."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from rattler import PrefixRecord

from tests.puncheon.environment.building import KIT, NOWHERE, Builder


def python_of(channel: Path) -> str:
    """The version of the channel's Python."""
    packages = json.loads((channel / "linux-64/repodata.json").read_text())["packages.conda"]
    return str(next(record["version"] for record in packages.values() if record["name"] == "python"))


def test_conda_tools_see_real_records(build: Builder) -> None:
    """Each package has a record that py-rattler reads back, readable for every uid."""
    report = build.conda_yaml("dependencies: [python=3.11, pip]").report

    records = sorted((build.folder / "opt/env/conda-meta").glob("*.json"))
    assert sorted(report["conda"]) == sorted(PrefixRecord.from_path(path).name.normalized for path in records)
    assert {0o644} == {path.stat().st_mode & 0o777 for path in records}
    assert (build.folder / "opt/env/conda-meta/history").exists()


def test_a_missing_patch_release_is_stood_in_for_with_a_warning(build: Builder) -> None:
    """The nearest in the same minor version is used, and said in the log and in the report."""
    there = python_of(build.channel)

    built = build.conda_yaml("dependencies: [python=3.11.99]")

    assert {"asked": "3.11.99", "used": there} == built.report["python"]
    warning = f"Python 3.11.99 is not there; {there}, the nearest in its minor version, is used"
    assert [warning] == built.report["warnings"]
    assert f"warning: {warning}\n" in built.output
    assert f"python {there} (asked 3.11.99: nearest in its minor) from conda/channel" in built.output


def test_an_exact_patch_release_is_demanded_on_request(build: Builder) -> None:
    """PYTHON_PATCH=exact names what is there instead."""
    built = build.conda_yaml(f"channels: [{NOWHERE}/c]\ndependencies: [python=3.11.99]", "--python-patch", "exact")

    assert 2 == built.code
    assert (
        f"No channel has Python 3.11.99; the nearest in its minor version is {python_of(build.channel)}."
        == built.said("error")
    )
    assert "--build-arg PYTHON_PATCH=nearest" in built.said("next")


MISSING = {
    "minor version": ("python=3.7", "No channel has Python 3.7; the nearest: {python}."),
    "name": ("python=3.11, pipp", "No channel has a package pipp. Did you mean pip?"),
    "version": ("python=3.11, pip=23.1.0", "No channel has pip 23.1.0; the nearest: 22.3.1 and 23.2.1."),
    "build": ("python=3.11, 'pip=24.0=py39_0'", "The conda packages conflict with each other."),
}


@pytest.mark.parametrize(("dependencies", "error"), MISSING.values(), ids=MISSING)
def test_what_no_channel_has_is_named_with_the_nearest(build: Builder, dependencies: str, error: str) -> None:
    """The message also says which channel did not answer, and nothing is left behind."""
    built = build.conda_yaml(f"channels: [{NOWHERE}/c]\ndependencies: [{dependencies}]")

    assert 2 == built.code
    assert error.format(python=python_of(build.channel)) == built.said("error")
    assert not built.prefix.exists()


def test_a_silent_channel_is_named_beside_what_the_local_one_lacks(build: Builder) -> None:
    """Whoever is offline learns that, and where the missing package may be brought."""
    built = build.conda_yaml(f"channels: [{NOWHERE}/c]\ndependencies: [python=3.11, pandas]")

    assert built.said("|").startswith(f"The conda channel {NOWHERE}/c did not answer: ")
    assert "conda/channel" in built.said("next")


def test_a_silent_channel_is_an_error_where_there_is_no_local_one(tmp_path: Path) -> None:
    """The channel's name, the cause, and the way out without a network."""
    built = Builder(tmp_path, tmp_path / "none").conda_yaml(f"channels: [{NOWHERE}/c]\ndependencies: [python]")

    assert 2 == built.code
    assert f"The conda channel {NOWHERE}/c cannot be read." == built.said("error")
    assert "onnect" in built.said("|")
    assert "make channel" in built.said("next")


def test_conflicting_pins_are_explained_in_the_solvers_words(build: Builder) -> None:
    """Both pins are in the message, and it stays on one screen."""
    built = build.conda_yaml(f"channels: [{NOWHERE}/c]\ndependencies: [python=3.11, pip<=23.2.1, pip>=24]")

    assert "The conda packages conflict with each other." == built.said("error")
    assert "pip >=24" in built.said("|")
    assert "pip <=23.2.1" in built.said("|")
    assert len(built.error.splitlines()) <= 24


def test_a_package_may_be_pinned_to_its_channel(build: Builder) -> None:
    """`conda-forge::python` is served by the local channel where that is used."""
    report = build.conda_yaml("dependencies: ['conda-forge::python=3.11']").report

    assert python_of(build.channel) == report["python"]["used"]
    assert [build.channel.as_uri()] == report["channels"]


def test_variables_are_where_conda_looks_for_them(build: Builder) -> None:
    """`variables:` go to conda-meta/state, which activation reads."""
    prefix = build.conda_yaml("dependencies: [python=3.11]\nvariables: {OMP_NUM_THREADS: 1}").prefix

    state = json.loads((prefix / "conda-meta/state").read_text())
    assert {"OMP_NUM_THREADS": "1"} == state["env_vars"]


def test_each_step_is_one_line_with_its_seconds(build: Builder) -> None:
    """Nobody has to guess what takes long."""
    output = build.conda_yaml("dependencies: [python=3.11]").output

    assert ["solve conda", "install conda", "check"] == [line[:13].strip() for line in output.splitlines()]
    assert all(line[13:].split()[1] == "s" for line in output.splitlines())


def test_an_occupied_prefix_is_left_alone(build: Builder) -> None:
    """Nothing is installed over something else."""
    prefix = build.folder / "opt/env"
    prefix.mkdir(parents=True)
    (prefix / "mine.txt").write_text("")

    built = build.conda_yaml("dependencies: [python=3.11]")

    assert (2, f"{prefix} holds something already.") == (built.code, built.said("error"))
    assert (prefix / "mine.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--server", "tomcat"), "SERVER=tomcat is none of none, puncheon, azmlinfsrv."),
        (("--python-patch", "near"), "PYTHON_PATCH=near is none of nearest, exact."),
    ],
    ids=["server", "patch"],
)
def test_an_impossible_setting_is_refused_before_anything_is_done(
    build: Builder, arguments: tuple[str, ...], error: str
) -> None:
    """Settings come from build arguments, so their names are the build arguments'."""
    built = build.conda_yaml("dependencies: [python=3.11]", *arguments)

    assert (2, error) == (built.code, built.said("error"))


def _is_for(requirement: Requirement, python: str) -> bool:
    """Whether a locked requirement, which may be for some Pythons only, is for this one."""
    versions = {"python_version": python, "python_full_version": f"{python}.0"}
    return requirement.marker is None or requirement.marker.evaluate(versions)


@pytest.mark.parametrize("name", ["base", "amlenv"])
def test_the_kits_own_environments_are_small_and_work(build: Builder, name: str) -> None:
    """The conda root's Python, and what the kit's code needs in the image, locked by hash."""
    built = build.run("--file", str(KIT / "conda" / f"{name}.yaml"))

    lines = re.findall(r"(?m)^([a-z0-9-]+==[^\\\n]+)", (KIT / "requirements/amlenv.txt").read_text())
    locked = [requirement for requirement in map(Requirement, lines) if _is_for(requirement, "3.11")]
    expected = {"base": [], "amlenv": sorted(requirement.name for requirement in locked)}
    assert expected[name] == sorted(built.report["pip"])
    size_kb = int(subprocess.check_output(["du", "-sk", built.prefix], text=True).split()[0])
    assert size_kb < 80_000
