"""Models of libraries with math threads, loaded before the fork: real libraries, each in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from puncheon.capabilities import Capability
from puncheon.proof.forking import may_fork
from puncheon.proof.workers import Answered, ask
from tests.runner.running import SCRIPTS, Runner, run
from tests.serving import make_environment

SCRIPT = SCRIPTS / "math_model.py"
COLUMNS = 20
EXAMPLE = json.dumps([[0.25] * COLUMNS, [0.5] * COLUMNS]).encode()
HANG_S = 3.0

# xgboost-cpu is XGBoost without the code for GPUs.  The first two bring no threadpoolctl, the third one does.
PACKAGES = {
    "xgboost": ["xgboost-cpu", "numpy"],
    "lightgbm": ["lightgbm", "numpy"],
    "scikit-learn": ["scikit-learn"],
    "torch": ["numpy"],
}


CARELESS = {"PARENT_THREADS": "2"}
"""The script gives its library two threads, and predicts with them, before the fork."""


@dataclass(frozen=True)
class Library:
    """A trained model and the environment that can load it."""

    python: Path
    variables: dict[str, str]


def cpu_torch() -> list[str]:
    """Return a wheel of torch without CUDA from the folders that pip is told of: PyPI's needs several GB."""
    tag = "cp{}{}".format(*sys.version_info)
    folders = os.environ.get("PIP_FIND_LINKS", "").split()
    wheels = [str(wheel) for folder in folders for wheel in sorted(Path(folder).glob(f"torch-*+cpu-{tag}-{tag}-*.whl"))]
    if not wheels:
        pytest.skip(f"no torch without CUDA for {tag} in PIP_FIND_LINKS={' '.join(folders)}; PyPI's takes several GB")
    return wheels[-1:]


@pytest.fixture(scope="module", params=PACKAGES)
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Make a library's environment and train its model there."""
    name, folder = request.param, tmp_path_factory.mktemp("library")
    packages = PACKAGES[name] + (cpu_torch() if name == "torch" else [])
    python = make_environment(folder / "environment", sys.executable, *packages) / "bin/python"
    model = folder / "model"
    done = subprocess.run([python, SCRIPT, name, model], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Library(python, {"MATH_LIBRARY": name, "MATH_MODEL": str(model)})


def forks(runner: Runner) -> Capability:
    """Return what the build's proof finds out."""

    def ask_worker(bodies: Sequence[bytes]) -> Answered:
        return ask(str(runner.worker_socket(0)), bodies, HANG_S)

    return may_fork(runner.until_ready(), EXAMPLE, ask_worker)


def test_a_model_that_was_loaded_with_one_thread_answers_after_the_fork(library: Library, tmp_path: Path) -> None:
    """As it does when the worker has loaded it, and with its own share of threads."""
    answers = []
    for preload in ("true", "false"):
        folder = tmp_path / preload
        folder.mkdir()
        with run(
            SCRIPT, folder, library.python, WORKER_PRELOAD=preload, WORKER_THREADS="2", **library.variables
        ) as runner:
            assert (preload == "true") == runner.until_ready()["preload"]
            answers.append(runner.value([]))
            if preload == "true":
                assert forks(runner).allowed
                assert 0 == runner.worker()["deaths"]

    assert pytest.approx(answers[1]["total"]) == answers[0]["total"]
    assert answers[1]["pools"] == answers[0]["pools"]
    # The worker's own thread and at least one more; all pools that can be asked have two.
    assert all(answer["threads"] >= 2 and set(answer["pools"].values()) <= {2} for answer in answers)


def test_a_model_that_hangs_after_the_fork_is_found_out(library: Library, tmp_path: Path) -> None:
    """The script itself gave the library two threads and predicted before the fork: the child's pool is dead."""
    with run(
        SCRIPT, tmp_path, library.python, WORKER_PRELOAD="true", WORKER_THREADS="2", **CARELESS, **library.variables
    ) as runner:
        found = forks(runner)
        runner.until(lambda state: state["workers"][0]["deaths"] == 1)

        assert Capability(False, "a worker that was forked after loading did not answer in time") == found
        assert "timeout" == runner.worker()["last_death"]["why"]
        assert "in predict" in runner.log


def test_one_thread_after_the_fork_is_no_hang(library: Library, tmp_path: Path) -> None:
    """The same with a share of one: nobody asks for the threads that are gone."""
    with run(
        SCRIPT, tmp_path, library.python, WORKER_PRELOAD="true", WORKER_THREADS="1", **CARELESS, **library.variables
    ) as runner:
        assert forks(runner).allowed


def test_the_same_model_answers_where_the_worker_loads_it(library: Library, tmp_path: Path) -> None:
    """What a start does after that proof."""
    with run(
        SCRIPT, tmp_path, library.python, WORKER_PRELOAD="false", WORKER_THREADS="2", **CARELESS, **library.variables
    ) as runner:
        runner.until_ready()

        assert runner.value([])["threads"] >= 2
        assert 2 == len(runner.value(json.loads(EXAMPLE)))
