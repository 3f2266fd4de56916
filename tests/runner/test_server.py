"""The entry script under the real azureml-inference-server-http, new and old."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import models
from tests.serving import ENTRY_SCRIPT, KIT, Server, find_python, make_environment, serve


@pytest.fixture(scope="module")
def iris(
    saved_models: dict[str, Path], server_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The newest server on the iris model."""
    with serve(saved_models["iris"], server_environment, tmp_path_factory.mktemp("log") / "log") as server:
        yield server


@pytest.mark.parametrize(
    "body",
    [
        (KIT / "input_example.json").read_bytes(),
        b'{"instances": [[5.1, 3.5, 1.4, 0.2], [4.9, 3.0, 1.4, 0.2]]}',
    ],
    ids=["kit's body", "instances"],
)
def test_a_score_is_answered_with_bare_json(iris: Server, body: bytes) -> None:
    """No wrapper around the predictions, as the reference has none."""
    assert (200, [0, 0]) == iris.score(body)


def test_a_query_is_a_request_too(iris: Server) -> None:
    """GET /score?input_data=…, as the server turns it into JSON."""
    assert (200, [0]) == iris.get("/score?input_data=[[5.1,3.5,1.4,0.2]]")


@pytest.mark.parametrize("body", [b"", b"{bad", b"{}", b"[]", b"\xff\xfe", b'{"input_data": [[1]]}'], ids=repr)
def test_a_clients_mistake_is_a_400_with_a_message(iris: Server, body: bytes) -> None:
    """JSON with a message, and not the 500 of a failing model."""
    status, answer = iris.score(body)

    assert 400 == status
    assert {"message"} == set(answer)


def test_a_body_sent_as_a_form_is_told_how_to_send_it(iris: Server) -> None:
    """What `curl -d` does of itself: the server passes nothing on."""
    status, answer = iris.score(b'{"input_data": [[5.1, 3.5, 1.4, 0.2]]}', "application/x-www-form-urlencoded")

    assert 400 == status
    assert "Content-Type: application/json" in answer["message"]


def test_a_failing_model_is_a_500_without_details(
    saved_models: dict[str, Path], server_environment: Path, tmp_path: Path
) -> None:
    """The cause is in the log alone."""
    with serve(saved_models["example_fails"], server_environment, tmp_path / "log") as server:
        status, answer = server.score({"input_data": {"x": [1.0]}})

    assert 500 == status
    assert "customers" not in json.dumps(answer)
    assert "no such table: customers" in (tmp_path / "log").read_text()


OLD = {
    "MLflow 1.30": (
        "3.8",
        ["mlflow-skinny==1.30.1", "numpy<2", "pandas<2.1", "scikit-learn<1.4", "setuptools<80"],
        {"iris": [0, 0], "tensor_input": [0, 0], "dataframe_output": [{"score": None, "word": "no"}]},
    ),
    "MLflow 2.10": (
        "3.10",
        ["mlflow-skinny==2.10.2", "numpy<2", "pandas<3", "scikit-learn<1.8", "setuptools<80"],
        {"iris": [0, 0], "with_params": [3.0, 6.0], "nested_columns": [{"scores": [1.0, 2.5]}]},
    ),
}


@pytest.mark.parametrize(("python", "packages", "expected"), OLD.values(), ids=OLD.keys())
def test_old_mlflow_is_served(tmp_path: Path, python: str, packages: list[str], expected: dict[str, Any]) -> None:
    """Models saved by that MLflow, served by the newest server for that Python; Python 3.8 where there is one."""
    environment = make_environment(
        tmp_path / "env", find_python(python), "azureml-inference-server-http", "scipy", *packages
    )
    (tmp_path / "models").mkdir()
    folders = models.make(expected, tmp_path / "models", environment / "bin/python")

    for name, folder in folders.items():
        with serve(folder, environment, tmp_path / "log") as server:
            status, answer = server.score((folder / "input_example.json").read_bytes())
        assert 200 == status, answer
        first, known = answer[0], expected[name][0]
        assert known == (first if not isinstance(known, dict) else {key: first[key] for key in known}), name


@pytest.mark.parametrize("path", sorted(ENTRY_SCRIPT.parent.rglob("*.py")), ids=lambda path: path.name)
def test_the_script_is_python_3_7(path: Path) -> None:
    """The oldest Python that a model's environment may have can at least read it."""
    ast.parse(path.read_text(), feature_version=(3, 7))


@pytest.mark.parametrize("path", sorted(ENTRY_SCRIPT.parent.rglob("*.py")), ids=lambda path: path.name)
def test_nothing_private_of_mlflow_is_used(path: Path) -> None:
    """Private names of MLflow, and the packages of Azure ML that a model's environment lacks, are not imported."""
    imported = [
        node.module or "" if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    used = [name for name in imported if name.startswith(("mlflow.", "azureml"))]

    assert not set(used) - {
        "mlflow.pyfunc",
        "mlflow.exceptions",
        "mlflow.models",
        "azureml_inference_server_http.api.aml_response",
        # The older names of the fallback folder stand for the newer ones, which lie beside them.
        "azureml_inference_server_http.api.aml_request",
    }
