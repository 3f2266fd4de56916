"""``userenv.sh``, which run scripts and the proof source: userenv active in any POSIX shell, once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conda.conftest import Miniconda, conda_variables

Plant = Callable[[Path, str], Path]

BASH_ONLY = """\
paths=("$CONDA_PREFIX/one" "$CONDA_PREFIX/two")
[[ -n "${BASH_SOURCE[0]}" ]] && export PLANTED="${paths[1]}"
export COUNT="${COUNT-}+" UNUSED="$NOT_SET_AT_ALL"
echo "a script that talks"
"""


def start(miniconda: Miniconda, command: str, shell: str = "dash", **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a run script does: after sourcing the start file under ``set -eu``."""
    return miniconda.sh(f"set -eu; . {miniconda.root}/etc/profile.d/userenv.sh; {command}", shell, **changes)


def planted(miniconda: Miniconda, plant: Plant, text: str, name: str = "x.sh") -> None:
    plant(miniconda.userenv / "etc" / "conda" / "activate.d" / name, text)


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_scripts_for_bash_serve_a_plain_sh(miniconda: Miniconda, plant: Plant, shell: str) -> None:
    """Arrays, BASH_SOURCE and unset variables do no harm under ``set -eu``; what a script prints goes to stderr."""
    planted(miniconda, plant, BASH_ONLY)

    finished = start(miniconda, "echo $PLANTED $COUNT", shell)

    assert f"{miniconda.userenv}/two +\n" == finished.stdout
    assert "a script that talks\n" == finished.stderr


def test_scripts_are_applied_once(miniconda: Miniconda, plant: Plant) -> None:
    """Sourcing again, here or in a child, runs nothing again."""
    planted(miniconda, plant, BASH_ONLY)
    source = f". {miniconda.root}/etc/profile.d/userenv.sh"

    assert "+\n" == start(miniconda, f"{source}; sh -c '{source}; echo $COUNT'").stdout


@pytest.mark.parametrize(
    ("script", "warning"),
    [
        ("return 3", "x.sh failed with 3"),
        ("exit 4", "x.sh ended its shell; scripts after it did not run"),
        ("if", "syntax error: unexpected end of file"),
    ],
    ids=["fails", "exits", "is no shell script"],
)
def test_a_bad_script_is_named_and_the_start_goes_on(
    miniconda: Miniconda, plant: Plant, script: str, warning: str
) -> None:
    """What scripts before it did is kept; the service starts."""
    planted(miniconda, plant, "export BEFORE=yes\n", "a.sh")
    planted(miniconda, plant, f"{script}\n")

    finished = start(miniconda, "echo $BEFORE started")

    assert (0, "yes started\n") == (finished.returncode, finished.stdout)
    assert warning in finished.stderr


def test_any_value_crosses_unchanged(miniconda: Miniconda, plant: Plant) -> None:
    """Quotes, dollars, line ends and what is not UTF-8 reach the service as the script set them."""
    planted(miniconda, plant, r"export ODD=$'it\'s \"$HOME\"\n`x`\xff'" "\n")

    output = start(miniconda, 'printf %s "$ODD" | od -An -v -tx1').stdout

    assert b'it\'s "$HOME"\n`x`\xff' == bytes.fromhex(output)


def test_a_script_may_change_path_and_unset(miniconda: Miniconda, plant: Plant) -> None:
    """PATH and removals are carried over too."""
    planted(miniconda, plant, "PATH=/extra/bin:$PATH\nunset GONE\n")

    assert "/extra/bin none\n" == start(miniconda, 'echo "${PATH%%:*} ${GONE-none}"', GONE="here").stdout


def test_variables_of_the_environment_are_set(miniconda: Miniconda, plant: Plant) -> None:
    """The ``variables:`` of a conda.yaml (conda-meta/state) reach the model; the operator's own value wins."""
    plant(miniconda.userenv / "conda-meta" / "state", '{"version": 1, "env_vars": {"MODE": "fast", "THREADS": "4"}}')

    assert "fast 16\n" == start(miniconda, "echo $MODE $THREADS", THREADS="16").stdout


def test_broken_variables_stop_the_start(miniconda: Miniconda, plant: Plant) -> None:
    """A file that cannot be read ends a run script with the reason."""
    plant(miniconda.userenv / "conda-meta" / "state", "no JSON")

    finished = start(miniconda, "echo started")

    assert (1, "") == (finished.returncode, finished.stdout)
    assert "conda-meta/state cannot be read" in finished.stderr


def test_without_scripts_no_program_runs(miniconda: Miniconda) -> None:
    """The usual model has no activate.d; its start costs nothing."""
    assert "started\n" == start(miniconda, "echo started", CONDA_EXE="/no/such/conda").stdout


@pytest.mark.parametrize(
    "before",
    ["conda activate amlenv", "conda deactivate", "conda deactivate; conda deactivate", "conda activate --stack base"],
)
def test_a_service_gets_userenv_whatever_the_shell_had_active(miniconda: Miniconda, plant: Plant, before: str) -> None:
    """``runsvdir`` in a shell where another environment is active starts the model in userenv all the same."""
    planted(miniconda, plant, "export APPLIED=yes\n")
    plant(miniconda.userenv / "etc/conda/deactivate.d/x.sh", "unset APPLIED\n")
    profile = f"{miniconda.root}/etc/profile.d"

    finished = miniconda.sh(f". {profile}/profile.sh; {before}; sh -c '. {profile}/userenv.sh; exec env'")

    lines = finished.stdout.splitlines()
    assert {f"{name}={value}" for name, value in conda_variables(miniconda.root).items()} <= set(lines)
    assert "APPLIED=yes" in lines
    assert not [line for line in lines if line.startswith(("CONDA_PREFIX_2", "CONDA_STACKED_")) and line[-1] != "="]


def test_caches_stay_at_home_where_it_can_be_written(miniconda: Miniconda) -> None:
    """Nothing is set for a user with a home."""
    assert "none\n" == start(miniconda, "echo ${XDG_CACHE_HOME-none}").stdout


def test_caches_go_to_tmp_where_home_cannot_be_written(miniconda: Miniconda) -> None:
    """Each user gets a folder of their own; a variable that is set stays."""
    command = "echo $XDG_CACHE_HOME $MPLCONFIGDIR $NUMBA_CACHE_DIR $HF_HOME"
    cache = f"/tmp/cache-{os.getuid()}"

    finished = start(miniconda, command, HOME="/nonexistent", HF_HOME="/models")

    assert f"{cache} {cache}/matplotlib {cache}/numba /models\n" == finished.stdout
