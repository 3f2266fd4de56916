"""Shells as a person opens them, through a real pseudo-terminal: bash, login shells, runsvdir, Ctrl-C."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pexpect
import pytest

from tests.image.running import Running, ask, docker_cli, wait_until
from tests.image.scripted import pids

PROMPT = re.compile(r"\(userenv\) [^\n]*[$#] ")
CONDA_ENV_LIST = """\
# conda environments:
#
base                     /opt/miniconda
amlenv                   /opt/miniconda/envs/amlenv
userenv               *  /opt/miniconda/envs/userenv
"""


class Shell:
    """A bash on a pseudo-terminal in a container."""

    def __init__(self, *arguments: str) -> None:
        self.child = pexpect.spawn(docker_cli(), list(arguments), encoding="utf-8", timeout=60, dimensions=(50, 250))
        self.child.expect(PROMPT)

    def run(self, command: str) -> str:
        """Return what a command prints."""
        self.child.sendline(f"{command}; echo end-of-$?")
        self.child.expect(r"end-of-(\d+)\r\n")
        output = self.child.before.split("\r\n", 1)[1]
        self.child.expect(PROMPT)
        return re.sub(r"\x1b\[\?2004[hl]\r?", "", output).replace("\r\n", "\n")

    def close(self) -> None:
        self.child.sendline("exit")
        self.child.expect(pexpect.EOF)
        self.child.close(force=True)


@pytest.fixture
def interactive(image: str) -> Iterator[Shell]:
    """`docker run -it --entrypoint /bin/bash IMAGE`."""
    shell = Shell("run", "-it", "--rm", "--entrypoint", "/bin/bash", image)
    yield shell
    shell.close()


def test_conda_env_list_marks_userenv(interactive: Shell) -> None:
    """The listing is the reference's."""
    assert CONDA_ENV_LIST.strip() == interactive.run("conda env list").strip()


def test_activate_and_deactivate_work(interactive: Shell) -> None:
    """The conda function changes the environment of the shell itself."""
    interactive.child.sendline("conda activate amlenv")
    interactive.child.expect(r"\(amlenv\) [^\n]*[$#] ")
    interactive.child.sendline("command -v python; conda deactivate")
    interactive.child.expect("/opt/miniconda/envs/amlenv/bin/python")
    interactive.child.expect(PROMPT)

    assert "/opt/miniconda/envs/userenv" == interactive.run("echo $CONDA_PREFIX").strip()


def test_runsvdir_starts_all_and_ctrl_c_leaves_nothing_twice(interactive: Shell) -> None:
    """`runsvdir /var/runit` serves, Ctrl-C stops all of it in order, and a second start works."""
    for _ in range(2):
        interactive.child.sendline("runsvdir /var/runit")
        interactive.child.expect("model loaded in ", timeout=60)
        interactive.child.sendintr()
        interactive.child.expect(PROMPT, timeout=15)
        processes = interactive.run("ps -eo args --no-headers").splitlines()
        assert ["/bin/bash", "ps -eo args --no-headers"] == processes


def test_runsvdir_refuses_to_start_twice(image: str, service: Running) -> None:
    """Beside services that run already it says so and what to do."""
    shell = Shell("exec", "-it", service.container.id, "/bin/bash")

    output = shell.run("runsvdir /var/runit")
    shell.close()

    assert "error: the services already run in this container." in output
    assert 200 == ask(service.url("/")).status


def test_services_survive_the_shell_that_watches_them(image: str) -> None:
    """The reference's session: start in the shell, look and score from another."""
    shell = Shell("run", "-it", "--rm", "--name", "puncheon-test-shell", "--entrypoint", "/bin/bash", image)
    shell.child.sendline("runsvdir /var/runit")
    shell.child.expect("model loaded in ")
    other = Shell("exec", "-it", "puncheon-test-shell", "/bin/bash")

    tree = other.run("ps -eo args --no-headers")
    environments = other.run("conda env list")
    other.close()
    shell.child.sendintr()
    shell.child.expect(PROMPT)
    shell.close()

    assert CONDA_ENV_LIST.strip() == environments.strip()
    assert {"runsv gunicorn", "runsv model", "runsv nginx", "runsv rsyslog"} <= set(tree.splitlines())


@pytest.mark.parametrize(
    "command",
    [["bash", "-lc"], ["sh", "-lc"], ["bash", "-c"], ["sh", "-c"], ["bash", "-ic"]],
    ids=lambda command: " ".join(command),
)
def test_every_kind_of_shell_finds_userenv(service: Running, command: list[str]) -> None:
    """Login shells reset PATH; the contract's order holds all the same."""
    output = service.execute(*command, "echo PATH=$PATH; command -v python; echo $CONDA_PREFIX")

    assert (
        "PATH=/opt/miniconda/envs/userenv/bin:/opt/miniconda/condabin:/opt/miniconda/envs/userenv/bin:"
        "/opt/miniconda/envs/amlenv/bin:/opt/miniconda/bin:/usr/local/sbin:" in output
    )
    assert "/opt/miniconda/envs/userenv/bin/python\n/opt/miniconda/envs/userenv\n" in output


def test_a_verb_that_needs_a_solver_says_what_to_do(service: Running) -> None:
    """`conda install` ends with an instruction, not with a traceback."""
    code, output = service.container.exec_run(["conda", "install", "numpy"])

    assert 1 == code
    assert b"conda.yaml" in output
    assert len(output.splitlines()) <= 4


def test_conda_run_and_list(service: Running) -> None:
    """`conda run -n amlenv` runs amlenv's Python; `conda list` shows conda's and pip's packages."""
    assert (
        "/opt/miniconda/envs/amlenv"
        == service.execute("conda", "run", "-n", "amlenv", "python", "-c", "import sys; print(sys.prefix)").strip()
    )
    listing = service.execute("conda", "list", "-n", "userenv")
    assert re.search(r"(?m)^python +3\.11", listing)
    assert re.search(r"(?m)^mlflow +\S+ +pypi", listing)


@pytest.mark.parametrize(
    ("server", "name", "process"),
    [
        ("puncheon", "gunicorn", "gunicorn master"),
        ("puncheon", "model", "runner"),
        ("azmlinfsrv", "gunicorn", "azmlinfsrv master"),
    ],
    indirect=["server"],
)
def test_a_service_can_be_restarted_by_sv(service: Running, name: str, process: str) -> None:
    """`sv restart gunicorn` and `sv restart model` work from a shell, and the container stays up."""
    before = pids(service, process)
    service.execute("sv", "-w", "20", "restart", name)
    service.wait_ready()

    wait_until(lambda: pids(service, process) not in ([], before), what="a new process")
