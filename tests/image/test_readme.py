"""The README's commands, taken from the README and run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pexpect
import pytest

from tests.image.running import KIT, ask, docker_cli, wait_until

NAME = "online_endpoint/azx_mlflow:latest"
BLOCKS = re.findall(r"(?ms)^```bash\n(.*?)^```", (KIT / "README.md").read_text())
TWO_COMMANDS, BUILD_AND_RUN, ASK, INTERACTIVE = BLOCKS


def commands(block: str) -> list[str]:
    return [line.split("   #")[0].strip() for line in block.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def shell_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which `docker` is the client that `make engine` found."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "docker").symlink_to(docker_cli())
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def own_repository(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A parent repository with a model of its own, so that `docker ps` by image finds no other test's container."""
    copy = tmp_path_factory.mktemp("readme") / "parent"
    shutil.copytree(repository, copy)
    train = [sys.executable, KIT / "examples/iris.py", "--output", copy / "artifacts/iris_model", "--seed", "11"]
    subprocess.run(train, check=True, capture_output=True)
    return copy


@pytest.fixture(scope="class")
def variables(own_repository: Path, shell_environment: dict[str, str]) -> Iterator[str]:
    """The lines that set variables, while the container of the last line runs."""
    *setting_up, run = commands(BUILD_AND_RUN)
    script = "\n".join(["set -e", *setting_up])
    subprocess.run(["bash", "-c", script], cwd=own_repository, env=shell_environment, check=True, capture_output=True)
    process = subprocess.Popen(["bash", "-c", f"exec {run}"], env=shell_environment, stdout=subprocess.DEVNULL)
    wait_until(lambda: ask("http://127.0.0.1:5000/", timeout_s=2).status == 200, what="readiness on port 5000")
    yield "\n".join(setting_up[:2])
    for container in docker.from_env().containers.list(filters={"ancestor": NAME}):
        container.remove(force=True)
    process.wait(timeout=30)


class TestBuildAndRun:
    """The block "build and run", and what can be asked of the container that it leaves running."""

    def test_ask(self, own_repository: Path, shell_environment: dict[str, str], variables: str) -> None:
        """The literal lines say Healthy and score the kit's example."""
        alive, score, _ = commands(ASK)

        answers = [
            subprocess.run(
                ["bash", "-c", f"{variables}\n{line}"],
                cwd=own_repository,
                env=shell_environment,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            for line in (alive, score)
        ]

        assert ["Healthy", "[0, 0]"] == [answer.strip() for answer in answers]

    def test_a_shell_in_the_running_container(self, shell_environment: dict[str, str], variables: str) -> None:
        """`docker exec -it` opens a shell with userenv active."""
        child = pexpect.spawn("bash", ["-c", commands(ASK)[2]], env=shell_environment, encoding="utf-8", timeout=30)
        child.expect_exact("(userenv) ")
        child.sendline("conda env list")
        child.expect(r"userenv +\* +/opt/miniconda/envs/userenv")
        child.sendline("exit")
        child.expect(pexpect.EOF)

        assert variables


def test_the_interactive_line(shell_environment: dict[str, str], image: str) -> None:
    """`docker run -it --entrypoint /bin/bash`, then `runsvdir /var/runit`, on the published ports."""
    line = commands(INTERACTIVE)[0].replace(NAME, image)
    child = pexpect.spawn("bash", ["-c", line], env=shell_environment, encoding="utf-8", timeout=60)
    child.expect_exact("(userenv) ")
    child.sendline("runsvdir /var/runit")
    child.expect("model loaded in ")
    wait_until(lambda: ask("http://127.0.0.1:5000/").status == 200, what="readiness")
    scored = ask("http://127.0.0.1:31311/score", (KIT / "input_example.json").read_bytes())
    child.sendintr()
    child.expect_exact("(userenv) ")
    child.sendline("exit")
    child.expect(pexpect.EOF)

    assert (200, "[0, 0]") == (scored.status, scored.text.strip())


def test_make_demo_in_a_fresh_clone(tmp_path: Path) -> None:
    """`make demo` goes from a clone to a scored answer, and `make stop` ends it; `make test` is what runs this."""
    assert ["make demo", "make test"] == [command.split("  ")[0] for command in commands(TWO_COMMANDS)]
    clone = tmp_path / "a clone with spaces"
    subprocess.run(["git", "clone", "--quiet", KIT, clone], check=True)

    done = subprocess.run(
        ["make", "demo", "NAME=puncheon-test-demo", "IMAGE=puncheon-test/demo:latest"],
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seen = (
        {target: what_it_shows(clone, target) for target in ("shell", "logs", "proof")} if done.returncode == 0 else {}
    )
    stopped = subprocess.run(
        ["make", "stop", "NAME=puncheon-test-demo"], cwd=clone, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout[-4000:]
    assert 2 == done.stdout.count("[0, 0]")
    assert {"shell": "(userenv) ", "logs": "model loaded in ", "proof": "proven"} == seen
    assert "puncheon-test-demo stopped in" in stopped.stdout
    shutil.rmtree(clone)


def what_it_shows(clone: Path, target: str) -> str:
    """Return what a `make` target that is for a person shows first, of what is expected of it."""
    variables = ["NAME=puncheon-test-demo", "IMAGE=puncheon-test/demo:latest"]
    child = pexpect.spawn("make", [target, *variables], cwd=str(clone), encoding="utf-8", timeout=60)
    wanted = ["(userenv) ", "model loaded in ", "proven"]
    found = wanted[child.expect_exact(wanted)]
    child.close(force=True)
    return found
