"""``conda run``: the command's own process, in another environment."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conda.conftest import Miniconda

Plant = Callable[[Path, str], Path]


@pytest.mark.parametrize("options", [["-n", "amlenv"], ["-n", "amlenv", "--no-capture-output", "--"]], ids=" ".join)
def test_the_environments_python_runs(miniconda: Miniconda, options: list[str]) -> None:
    """``python`` is that of the environment, with its variables and libraries, one level higher."""
    code = "import os, sys; print(sys.prefix, *map(os.environ.get, ['CONDA_PREFIX', 'CONDA_SHLVL', 'LD_LIBRARY_PATH']))"

    output = miniconda.run("run", *options, "python", "-c", code).stdout

    prefix = miniconda.amlenv
    assert f"{prefix} {prefix} 3 {prefix}/lib:\n" == output


def test_without_a_name_it_is_the_active_environment(miniconda: Miniconda) -> None:
    """The active environment is the default."""
    assert f"{miniconda.userenv}\n" == miniconda.run("run", "python", "-c", "import sys; print(sys.prefix)").stdout


def test_arguments_reach_the_command_as_they_are(miniconda: Miniconda) -> None:
    """Spaces, quotes, dollars, options and line ends are nobody's but the command's."""
    arguments = ["a b", "it's", '"$HOME"', "-n", "--", "", "*", "two\nlines"]

    output = miniconda.run("run", "-n", "amlenv", "printf", "%s|", *arguments).stdout

    assert "|".join([*arguments, ""]) == output


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["sh", "-c", "exit 7"], 7),
        (["no-such-command"], 127),
        (["/etc/passwd"], 126),
        (["sh", "-c", "kill -TERM $$"], -signal.SIGTERM),
        (["sh", "-c", "kill -PIPE $$"], -signal.SIGPIPE),
    ],
    ids=["its own", "not found", "not executable", "killed", "broken pipe"],
)
def test_the_exit_code_is_the_commands(miniconda: Miniconda, command: list[str], code: int) -> None:
    """Exit codes and deaths by a signal pass through."""
    assert code == miniconda.run("run", "-n", "amlenv", *command).returncode


def test_signals_reach_the_command(miniconda: Miniconda) -> None:
    """The process that was started is the command itself."""
    script = "trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
    arguments = [miniconda.conda, "run", "-n", "amlenv", "sh", "-c", script]
    with subprocess.Popen(arguments, env=miniconda.activated, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        process.terminate()

        assert ("got it\n", 5) == (process.stdout.read(), process.wait(10))


def test_standard_input_and_the_folder_are_the_commands(miniconda: Miniconda, tmp_path: Path) -> None:
    """Nothing is captured, and ``--cwd`` chooses where it runs."""
    command = f"echo text | conda run --cwd '{tmp_path}' -n amlenv sh -c 'cat; pwd'"

    assert f"text\n{tmp_path}\n" == miniconda.sh(command).stdout


def test_activation_scripts_are_applied(miniconda: Miniconda, plant: Plant) -> None:
    """The environment's activate.d runs before the command, the active one's deactivate.d before that."""
    plant(miniconda.userenv / "etc/conda/deactivate.d/x.sh", "export LEFT=$CONDA_PREFIX\n")
    plant(
        miniconda.amlenv / "etc/conda/activate.d/x.sh", 'array=("$LEFT" "$CONDA_PREFIX"); export SEEN="${array[*]}"\n'
    )

    output = miniconda.run("run", "-n", "amlenv", "sh", "-c", "echo $SEEN").stdout

    assert f"{miniconda.userenv} {miniconda.amlenv}\n" == output


def test_a_startup_file_of_bash_is_for_the_command(miniconda: Miniconda, tmp_path: Path) -> None:
    """BASH_ENV is read by the command once, not by what prepares it."""
    startup = tmp_path / "startup"
    startup.write_text("echo read\n")

    assert "read\ndone\n" == miniconda.run("run", "bash", "-c", "echo done", BASH_ENV=str(startup)).stdout
