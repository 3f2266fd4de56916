"""What the front reads: environments, packages, this installation; and what it refuses."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conda.conftest import Miniconda, run
from tests.conda.layout import FRONT, KIT, lay_out

LISTED = ("pip", "python", "tiny-model")
BAD = KIT / "tests" / "data" / "conda"


@pytest.mark.parametrize("command", [["env", "list"], ["info", "--envs"]], ids=" ".join)
def test_environments_are_listed_as_in_the_reference(miniconda: Miniconda, command: list[str]) -> None:
    """The table has the reference's columns and marks the active environment."""
    root = miniconda.root

    assert miniconda.run(*command).stdout == (
        "# conda environments:\n"
        "#\n"
        f"base                     {root}\n"
        f"amlenv                   {root}/envs/amlenv\n"
        f"userenv               *  {root}/envs/userenv\n"
        "\n"
    )


def test_environments_as_json(miniconda: Miniconda) -> None:
    """Programs find the paths under ``envs``."""
    listed = json.loads(miniconda.run("env", "list", "--json").stdout)

    assert {"envs": [str(miniconda.root), str(miniconda.amlenv), str(miniconda.userenv)]} == listed


def test_conda_and_pip_packages_are_listed_in_columns(miniconda: Miniconda) -> None:
    """Each package once: conda's with build and channel, pip's as ``pypi``."""
    lines = miniconda.run("list").stdout.splitlines()

    assert f"# packages in environment at {miniconda.userenv}:" == lines[0]
    assert "# Name                    Version                   Build  Channel" == lines[2]
    assert ["pip", "python", "tiny-model"] == [line.split()[0] for line in lines[3:] if line.split()[0] in LISTED]
    assert "tiny-model                1.5                      pypi_0    pypi" in lines


def test_packages_of_another_environment_as_json(miniconda: Miniconda) -> None:
    """``-n`` chooses the environment, and the object has conda's keys."""
    listed = json.loads(miniconda.run("list", "-n", "amlenv", "--json", "^python$").stdout)

    assert 1 == len(listed)
    assert {"name": "python", "channel": "channel"}.items() <= listed[0].items()
    assert {"base_url", "build_number", "build_string", "dist_name", "platform", "version"} <= listed[0].keys()


def test_packages_as_requirements(miniconda: Miniconda) -> None:
    """``--export`` prints ``name=version=build``."""
    assert miniconda.run("list", "--export", "tiny").stdout.endswith("\ntiny-model=1.5=pypi_0\n")


def test_no_pip_leaves_pip_packages_out(miniconda: Miniconda) -> None:
    """``--no-pip`` shows conda's packages alone."""
    assert "tiny-model" not in miniconda.run("list", "--no-pip").stdout


def test_a_package_that_pip_replaced_is_pips(miniconda: Miniconda, tmp_path: Path) -> None:
    """A conda record whose files pip has replaced does not count any more."""
    prefix = tmp_path / "env"
    shutil.copytree(miniconda.userenv / "conda-meta", prefix / "conda-meta")
    packages = prefix / "lib" / "python3.11" / "site-packages"
    newer = packages / "pip-99.0.dist-info"
    newer.mkdir(parents=True)
    (newer / "METADATA").write_text("Name: pip\nVersion: 99.0\n\nSome text\n")

    listed = json.loads(miniconda.run("list", "-p", str(prefix), "--json", "--full-name", "pip").stdout)

    assert [("99.0", "pypi")] == [(package["version"], package["channel"]) for package in listed]


def test_info_shows_the_active_environment(miniconda: Miniconda) -> None:
    """Name and place of the active environment, and that there is no solver."""
    lines = {line.strip() for line in miniconda.run("info").stdout.splitlines()}

    assert "active environment : userenv" in lines
    assert f"active env location : {miniconda.userenv}" in lines
    assert any(line.startswith("solver : none") for line in lines)


def test_info_as_json_has_what_other_programs_read(miniconda: Miniconda) -> None:
    """Editors and notebooks find root, environments, level and platform."""
    values = json.loads(miniconda.run("info", "--json").stdout)

    assert str(miniconda.root) == values["root_prefix"] == values["conda_prefix"]
    assert [str(miniconda.root / "envs")] == values["envs_dirs"]
    assert ("userenv", 2) == (values["active_prefix_name"], values["conda_shlvl"])


def test_base_is_printed_alone(miniconda: Miniconda) -> None:
    """``$(conda info --base)/etc/profile.d/conda.sh`` works."""
    assert f"{miniconda.root}\n" == miniconda.run("info", "--base").stdout


def test_the_version_can_be_parsed(miniconda: Miniconda) -> None:
    """Other programs compare the numbers after ``conda``."""
    assert miniconda.run("--version").stdout.startswith("conda 23.1.0")


def test_the_launcher_works_through_a_link(miniconda: Miniconda, tmp_path: Path) -> None:
    """A link elsewhere on PATH finds the same root."""
    (tmp_path / "conda").symlink_to(miniconda.conda)

    assert f"{miniconda.root}\n" == run([str(tmp_path / "conda"), "info", "--base"], miniconda.bare).stdout


def test_the_launcher_keeps_the_active_environments_libraries_out(tmp_path: Path) -> None:
    """The Python of base starts without LD_LIBRARY_PATH and is told what it was."""
    lay_out(tmp_path)
    python = tmp_path / "bin" / "python"
    python.write_text('#!/bin/sh\necho "${LD_LIBRARY_PATH-none} $_CONDA_FRONT_LD_LIBRARY_PATH $*"\n')
    python.chmod(0o755)

    finished = run([str(tmp_path / "condabin" / "conda"), "a b"], {"LD_LIBRARY_PATH": "/x y/lib:"})

    assert f"none /x y/lib: -I -S {tmp_path}/share/conda-front a b\n" == finished.stdout


@pytest.mark.parametrize("verb", ["install", "create", "update", "remove", "search", "env create", "config", "init"])
def test_verbs_that_need_a_solver_say_what_to_do(miniconda: Miniconda, verb: str) -> None:
    """Four lines at most, with the way to change an environment; exit code 1."""
    finished = miniconda.run(*verb.split(), "numpy")

    assert (1, "") == (finished.returncode, finished.stdout)
    assert f"'conda {verb}'" in finished.stderr
    assert "conda.yaml" in finished.stderr
    assert "puncheon" in finished.stderr
    assert 4 >= len(finished.stderr.splitlines())


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["list", "-n", "nope"], "EnvironmentNameNotFound: Could not find conda environment: nope\n"),
        (["run", "-n", "..", "true"], "EnvironmentNameNotFound: Could not find conda environment: ..\n"),
        (["list", "-p", "/nowhere"], "EnvironmentLocationNotFound: Not a conda environment: /nowhere\n"),
        (["shell.posix", "activate", "nope"], "EnvironmentNameNotFound: Could not find conda environment: nope\n"),
        (["shell.posix", "activate", "a", "b"], "ArgumentError: 'conda activate' does not take: a b\n"),
        (["shell.posix", "deactivate", "a"], "ArgumentError: 'conda deactivate' does not take: a\n"),
        (["list", "no-such-package"], "CondaValueError: No packages match 'no-such-package'.\n"),
        (["list", "("], "CondaValueError: '(' is not a regular expression: "),
        (["run"], "ArgumentError: No command specified"),
        (["run", "--cwd", "/nowhere", "true"], "CondaError: conda run: [Errno 2] "),
        (["activate", "amlenv"], "CommandNotFoundError: this shell has no conda function"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_errors_carry_condas_names(miniconda: Miniconda, command: list[str], message: str) -> None:
    """Errors go to stderr with conda's label, exit code 1."""
    finished = miniconda.run(*command)

    assert (1, "") == (finished.returncode, finished.stdout)
    assert f"\n{message}" in finished.stderr
    assert 4 >= len(finished.stderr.splitlines())


def test_an_error_under_json_is_an_object(miniconda: Miniconda) -> None:
    """Programs that asked for JSON get JSON."""
    finished = miniconda.run("list", "-n", "nope", "--json")

    assert (1, "EnvironmentNameNotFound") == (finished.returncode, json.loads(finished.stdout)["exception_name"])


@pytest.mark.parametrize(
    ("folder", "command", "where"),
    [
        ("record-is-not-json", ["list", "-p"], "conda-meta/python-3.11.2-0.json"),
        ("record-without-version", ["list", "-p"], "conda-meta/python-3.11.2-0.json"),
        ("state-is-not-json", ["shell.posix", "activate"], "conda-meta/state"),
        ("state-with-a-number", ["shell.posix", "settle"], "conda-meta/state"),
        ("package-variables-are-a-list", ["shell.posix", "activate"], "etc/conda/env_vars.d/p.json"),
    ],
)
def test_broken_metadata_is_named(miniconda: Miniconda, folder: str, command: list[str], where: str) -> None:
    """The file that cannot be read is in the message; nothing is printed for a shell to evaluate."""
    finished = miniconda.run(*command, str(BAD / folder))

    assert (1, "") == (finished.returncode, finished.stdout)
    assert f"CorruptedEnvironmentError: {BAD / folder / where} " in finished.stderr


def test_a_pipe_that_closes_early_is_no_error(miniconda: Miniconda) -> None:
    """``conda list | head -n 1`` leaves no traceback."""
    finished = miniconda.sh("conda list | head -n 1")

    assert (f"# packages in environment at {miniconda.userenv}:\n", "") == (finished.stdout, finished.stderr)


@pytest.mark.parametrize("module", sorted(FRONT.rglob("*.py")), ids=lambda path: path.name)
def test_the_front_is_written_for_old_pythons(module: Path) -> None:
    """The Python of base may be any from 3.8 on."""
    ast.parse(module.read_text(), feature_version=(3, 8))


def test_python_packages_of_the_environment_do_not_reach_the_front(
    miniconda: Miniconda, plant: Callable[[Path, str], Path]
) -> None:
    """A module named like one of the standard library in the current folder or in PYTHONPATH does no harm."""
    shadow = plant(miniconda.home / "json.py", "raise SystemExit('shadowed')\n")

    assert 0 == miniconda.run("env", "list", PYTHONPATH=str(shadow.parent)).returncode
