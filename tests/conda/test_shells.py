"""The conda function and the state of shells: scripts, interactive shells through a terminal, login shells."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from tests.conda.conftest import Miniconda, conda_variables, run

Plant = Callable[[Path, str], Path]
SHELLS = ("bash", "dash", "zsh")


def needed(shell: str) -> str:
    """Return the shell's path; the image has bash and dash, and zsh is tested where somebody uses it."""
    path = shutil.which(shell)
    if path is None and shell == "zsh":
        pytest.skip("zsh is not installed")
    return path or pytest.fail(f"{shell} is not installed")


class Terminal:
    """An interactive shell on a pseudo-terminal."""

    def __init__(self, arguments: list[str], environment: dict[str, str], name: str = "userenv") -> None:
        self.child = pexpect.spawn(
            arguments[0], arguments[1:], env=environment, encoding="utf-8", timeout=20, dimensions=(24, 250)
        )
        self.expect_prompt(name)

    def expect_prompt(self, name: str) -> None:
        self.child.expect(rf"\({name}\) [^\n()]*[$#%] ")

    def run(self, command: str, name: str = "userenv") -> str:
        """Return what a command prints; ``name`` is the environment in the prompt after it."""
        self.child.sendline(f"{command}; echo end-of-$?")
        self.child.expect(r"end-of-\d+\r\n")
        output = str(self.child.before).split("\r\n", 1)[1]
        self.expect_prompt(name)
        return re.sub(r"\x1b\[\?2004[hl]\r?", "", output).replace("\r\n", "\n")


@pytest.fixture
def terminal(miniconda: Miniconda) -> Iterator[Callable[..., Terminal]]:
    """Open interactive shells where /etc is the image's; they are closed after the test."""
    opened: list[Terminal] = []

    def open_one(*command: str, **changes: str) -> Terminal:
        environment = {name: value for name, value in {**miniconda.activated, **changes}.items() if value != "gone"}
        opened.append(Terminal(miniconda.login(*command), environment))
        return opened[-1]

    yield open_one
    for one in opened:
        one.child.close(force=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_can_activate_and_go_back(miniconda: Miniconda, shell: str) -> None:
    """Under ``set -eu``, in a shell where conda was never heard of."""
    where = "python -c 'import sys; print(sys.prefix)'"
    script = (
        f"set -eu; . {miniconda.root}/etc/profile.d/conda.sh; conda activate amlenv; {where}; conda activate; {where}\n"
        f"conda deactivate; {where}; conda deactivate; echo $CONDA_SHLVL $PATH"
    )

    finished = run([needed(shell), "-c", script], miniconda.bare)

    root, amlenv = miniconda.root, miniconda.amlenv
    path = f"{root}/condabin:{miniconda.bare['PATH']}"
    assert (f"{amlenv}\n{root}\n{amlenv}\n0 {path}\n", "") == (finished.stdout, finished.stderr)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_hook_defines_the_function(miniconda: Miniconda, shell: str) -> None:
    """``eval "$(conda shell.bash hook)"`` is what scripts use; the active environment stays."""
    script = (
        f'eval "$({miniconda.conda} shell.{shell} hook)"; echo $CONDA_DEFAULT_ENV; conda activate base; which python'
    )

    finished = run([needed(shell), "-c", script], miniconda.activated)

    assert f"userenv\n{miniconda.root}/bin/python\n" == finished.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_with_unset_variables_work_under_set_eu(miniconda: Miniconda, plant: Plant, shell: str) -> None:
    """activate.d runs without ``set -eu``, which holds again afterwards."""
    plant(miniconda.amlenv / "etc/conda/activate.d/x.sh", "false\nexport SEEN=yes$NOT_SET_AT_ALL\n")
    script = (
        f"set -eu; . {miniconda.root}/etc/profile.d/conda.sh; conda activate amlenv; echo $SEEN; case $- in *e*u*) "
        "echo eu;; *u*e*) echo eu;; esac; false; echo not reached"
    )

    finished = run([needed(shell), "-c", script], miniconda.bare)

    assert (1, "yes\neu\n") == (finished.returncode, finished.stdout)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_name_that_is_not_there_changes_nothing(miniconda: Miniconda, shell: str) -> None:
    """The function fails with conda's message, and the shell goes on as it was."""
    source = f". {miniconda.root}/etc/profile.d/conda.sh"
    script = f"{source}; conda activate nope; echo $? $CONDA_DEFAULT_ENV; conda activate --help"

    finished = run([needed(shell), "-c", script], miniconda.activated)

    assert finished.stdout.startswith("1 userenv\nusage: conda ")
    assert "EnvironmentNameNotFound: Could not find conda environment: nope" in finished.stderr


def test_an_interactive_shell_has_prompt_function_and_scripts(
    terminal: Callable[..., Terminal], miniconda: Miniconda, plant: Plant
) -> None:
    """``docker exec -it … /bin/bash``: activate.d applied once, activate and deactivate change the prompt."""
    plant(miniconda.userenv / "etc/conda/activate.d/x.sh", "export COUNT=${COUNT-}+\n")
    plant(miniconda.userenv / "etc/conda/deactivate.d/x.sh", "export COUNT=left\n")
    shell = terminal("bash")

    assert "+\n" == shell.run("echo $COUNT")
    assert f"{miniconda.amlenv}/bin/python\n" == shell.run("conda activate amlenv && command -v python", "amlenv")
    assert "left\n" == shell.run("echo $COUNT", "amlenv")
    assert "left+\n" == shell.run("conda deactivate && echo $COUNT")
    assert f"{miniconda.root}\n" == shell.run("conda deactivate && echo $CONDA_PREFIX", "base")


def test_a_shell_in_a_shell_keeps_what_is_active(
    terminal: Callable[..., Terminal], miniconda: Miniconda, plant: Plant
) -> None:
    """Nested shells run no script again, and keep an environment that was activated by hand."""
    plant(miniconda.userenv / "etc/conda/activate.d/x.sh", "export COUNT=${COUNT-}+\n")
    shell = terminal("bash")

    shell.child.sendline("bash")
    shell.expect_prompt("userenv")
    assert "+\n" == shell.run("echo $COUNT")
    shell.run("conda activate amlenv", "amlenv")
    shell.child.sendline("bash")
    shell.expect_prompt("amlenv")
    assert f"{miniconda.amlenv} 3\n" == shell.run("echo $CONDA_PREFIX $CONDA_SHLVL", "amlenv")


@pytest.mark.parametrize("command", [["bash", "-l"], ["bash", "-li"], ["sh", "-l"]], ids=" ".join)
def test_an_interactive_login_shell_is_in_the_same_state(
    terminal: Callable[..., Terminal], miniconda: Miniconda, plant: Plant, command: list[str]
) -> None:
    """/etc/profile resets PATH; state, function and prompt are as in any other shell, scripts applied once."""
    plant(miniconda.userenv / "etc/conda/activate.d/x.sh", "export COUNT=${COUNT-}+\n")
    shell = terminal(*command)

    assert f"{conda_variables(miniconda.root)['PATH']} +\n" == shell.run("echo $PATH $COUNT")
    assert "base\n" == shell.run("conda activate; echo $CONDA_DEFAULT_ENV", "base")


@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize("start", ["activated", "bare"], ids=["from the image's ENV", "su -"])
def test_a_login_script_finds_the_images_state(miniconda: Miniconda, shell: str, start: str) -> None:
    """``bash -lc``, ``sh -lc`` and what begins with an empty environment have exactly what ENV gives."""
    found = run(miniconda.login(shell, "-lc", "env"), getattr(miniconda, start))

    expected = {f"{name}={value}" for name, value in conda_variables(miniconda.root).items()}
    assert expected <= set(found.stdout.splitlines())
    assert "" == found.stderr


def test_a_login_shell_below_keeps_what_scripts_did_to_path(miniconda: Miniconda, plant: Plant) -> None:
    """A second login shell finds PATH as activate.d left it, and does not run activate.d again."""
    plant(miniconda.userenv / "etc/conda/activate.d/x.sh", "PATH=/extra/bin:$PATH\nexport COUNT=${COUNT-}+\n")

    found = run(miniconda.login("bash", "-lc", "bash -lc 'echo $PATH $COUNT'"), miniconda.activated)

    assert f"/extra/bin:{conda_variables(miniconda.root)['PATH']} +\n" == found.stdout


def test_a_login_shell_below_another_environment_is_in_userenv(miniconda: Miniconda, plant: Plant) -> None:
    """A login begins anew: userenv, with its scripts applied, and nothing left of the other levels."""
    plant(miniconda.userenv / "etc/conda/activate.d/x.sh", "export COUNT=${COUNT-}+\n")
    plant(miniconda.userenv / "etc/conda/deactivate.d/x.sh", "unset COUNT\n")
    inner = "echo $CONDA_PREFIX $CONDA_SHLVL $COUNT ${CONDA_PREFIX_2-none}"

    found = run(miniconda.login("bash", "-lc", f"conda activate amlenv; bash -lc '{inner}'"), miniconda.activated)

    assert f"{miniconda.userenv} 2 + none\n" == found.stdout


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_non_interactive_shell_needs_nothing(miniconda: Miniconda, shell: str) -> None:
    """``docker exec … sh -c`` finds userenv by ENV alone."""
    found = run(miniconda.login(shell, "-c", "command -v python; command -v conda"), miniconda.activated)

    assert f"{miniconda.userenv}/bin/python\n{miniconda.root}/condabin/conda\n" == found.stdout
