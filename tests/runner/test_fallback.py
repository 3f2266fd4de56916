"""What an entry script may import where its environment lacks it: from the end of sys.path, on every Python."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from puncheon_runner import fallback
from tests.runner.running import RUNNER, run, write_script
from tests.serving import KIT, find_python

VERSIONS = ("3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
ASK = "import sys; print('{}.{}'.format(*sys.version_info), end='')"

RAW = [
    "from azureml.contrib.services.aml_request import AMLRequest, rawhttp",
    "from azureml.contrib.services.aml_response import AMLResponse",
    "def init(): pass",
    "@rawhttp",
    "def run(request):",
    "    return AMLResponse({'got': request.get_json(), 'x': request.args['x']}, 201, {'X-A': '1,2'}, json_str=True)",
]
DECORATED = [
    "from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType",
    "from inference_schema.schema_decorators import input_schema, output_schema",
    "def init(): pass",
    "@input_schema('rate', StandardPythonParameterType(1.5))",
    "@output_schema(StandardPythonParameterType([1.5]))",
    "def run(rate=2.0): return [rate]",
]
JSON = ("content-type", "application/json")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runner, and beside it the packages that the image brings, installed as the Dockerfile does."""
    folder = tmp_path_factory.mktemp("program") / "runner"
    shutil.copytree(RUNNER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    locked = ["--require-hashes", "--requirement", str(KIT / "requirements/fallback.txt")]
    target = ["--no-compile", "--no-deps", "--target", str(folder / "packages")]
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *target, *locked], check=True)
    for library in folder.glob("packages/**/*.so"):
        library.unlink()
    shutil.copytree(folder / "packages", folder / "fallback", dirs_exist_ok=True)
    return folder


def test_modules_that_load_themselves_when_asked_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for what was borrowed asks no module for anything."""

    class Lazy(ModuleType):
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"asked for {name}")

    monkeypatch.setitem(sys.modules, "lazy", Lazy("lazy"))

    assert [] == fallback.used()


@pytest.fixture(params=VERSIONS)
def python(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An interpreter with nothing but its standard library."""
    found = find_python(request.param)
    if subprocess.run([found, "-c", ASK], capture_output=True, text=True, check=True).stdout != request.param:
        pytest.skip(f"this machine has no Python {request.param}: neither on PATH nor one of pyenv's")
    subprocess.run([found, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    return tmp_path / "bare/bin/python"


def test_raw_http_needs_nothing_of_the_environment(program: Path, python: Path, tmp_path: Path) -> None:
    """Flask and the reference's own modules are there, and it is told that they are borrowed."""
    with run(write_script(tmp_path, *RAW), tmp_path, python, program, PYTHONNOUSERSITE="1") as runner:
        state = runner.until_ready()
        answer = runner.ask(b'{"a": 1}', JSON, query="x=1")

    assert (201, {"got": {"a": 1}, "x": "1"}) == (answer.status, json.loads(answer.body))
    assert [["X-A", "1"], ["X-A", "2"]] == [one for one in json.loads(answer.head)["headers"] if one[0] == "X-A"]
    assert {"azureml", "azureml_inference_server_http", "flask", "werkzeug"} <= set(state["fallback"])


def test_schemas_need_nothing_of_the_environment(program: Path, python: Path, tmp_path: Path) -> None:
    """A value that does not fit is the client's mistake, with the words of its schema."""
    with run(write_script(tmp_path, *DECORATED), tmp_path, python, program, PYTHONNOUSERSITE="1") as runner:
        state = runner.until_ready()
        right, wrong = runner.ask(b'{"rate": 3}', JSON), runner.ask(b'{"rate": "a"}', JSON)

    assert (200, b"[3]") == (right.status, right.body)
    assert (400, "The value of 'rate' does not fit: expected a number, for example 1.5.") == (
        wrong.status,
        json.loads(wrong.body)["message"],
    )
    assert "number" == state["schemas"]["input"]["properties"]["rate"]["type"]
    assert "inference_schema" in state["fallback"]


def test_what_the_environment_has_comes_first(program: Path, tmp_path: Path) -> None:
    """Then nothing is borrowed."""
    script = write_script(tmp_path, "import flask", "def init(): pass", "def run(data): return flask.__file__")

    with run(script, tmp_path, sys.executable, program) as runner:
        state = runner.until_ready()
        found = runner.value("")

    assert not found.startswith(str(program))
    assert [] == state["fallback"]


def test_a_script_that_needs_nothing_borrows_nothing(program: Path, tmp_path: Path) -> None:
    """Importing the runner alone loads none of it."""
    script = write_script(tmp_path, "def init(): pass", "def run(data): return data")

    with run(script, tmp_path, sys.executable, program) as runner:
        assert [] == runner.until_ready()["fallback"]


def test_the_folders_stay_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often they are offered, and whatever the script has appended."""
    monkeypatch.setattr(sys, "path", ["a"])
    fallback.offer()
    sys.path.append("b")

    fallback.offer()

    assert ["a", "b", *map(str, fallback.FOLDERS)] == sys.path
