"""The saved example and what is expected of the answer, read from a model's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from puncheon.errors import PuncheonError
from puncheon.model_folder import ModelFolder
from puncheon.proof.example import count_rows, expected_answer, input_example, script_example

MLMODEL = """
flavors:
  python_function:
    loader_module: mlflow.sklearn
"""


def model(folder: Path, mlmodel: str = "", **files: str) -> ModelFolder:
    (folder / "MLmodel").write_text(MLMODEL + mlmodel)
    for name, text in files.items():
        (folder / f"{name}.json").write_text(text)
    return ModelFolder.read(folder)


def test_the_form_of_a_request_is_preferred(tmp_path: Path) -> None:
    """MLflow 2.17 and later save both."""
    example = input_example(model(tmp_path, input_example="[[1]]", serving_input_example='{"inputs": [[1], [2]]}'))

    assert example is not None
    assert ("serving_input_example.json", 2) == (example.name, example.rows)


def test_the_example_of_an_older_mlflow_is_taken_as_it_is(tmp_path: Path) -> None:
    """The entry script answers it too."""
    example = input_example(model(tmp_path, input_example='{"columns": ["a"], "data": [[1]]}'))

    assert example is not None
    assert b'{"columns": ["a"], "data": [[1]]}' == example.body


def test_no_example_is_no_fault(tmp_path: Path) -> None:
    """The proof warns then."""
    assert None is input_example(model(tmp_path))


def test_null_may_be_the_expected_answer(tmp_path: Path) -> None:
    """It is told from "no expectation"."""
    assert (None,) == expected_answer(model(tmp_path, output_example="null")).example


BAD = {
    "example named, absent": (
        "saved_input_example_info: {artifact_path: input_example.json}",
        {},
        "not in the model's",
    ),
    "example not JSON": ("", {"input_example": "{bad"}, "input_example.json is not JSON"),
    "output example not JSON": ("", {"output_example": "[1,"}, "output_example.json is not JSON"),
    "outputs not JSON": ("signature: {outputs: 'double'}", {}, "outputs are not what MLflow writes"),
    "outputs no list": ("signature: {outputs: '7'}", {}, "outputs are not what MLflow writes"),
    "output without a type": ("signature: {outputs: '[{}]'}", {}, "outputs are not what MLflow writes"),
}


@pytest.mark.parametrize(("mlmodel", "files", "message"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_read_is_told(tmp_path: Path, mlmodel: str, files: dict[str, str], message: str) -> None:
    """With the file and what to do."""
    folder = model(tmp_path, mlmodel, **files)

    with pytest.raises(PuncheonError, match=message) as raised:
        (input_example(folder), expected_answer(folder))

    assert raised.value.next


ROWS = {
    "split": ({"dataframe_split": {"columns": ["a"], "data": [[1], [2]]}}, 2),
    "records": ({"dataframe_records": [{"a": 1}]}, 1),
    "columns": ({"inputs": {"a": [1, 2, 3], "b": [1, 2, 3]}}, 3),
    "bare split": ({"data": [[1], [2]]}, 2),
    "list": ([1, 2], 2),
    "one record": ({"inputs": {"a": 1}}, None),
    "columns of two lengths": ({"a": [1], "b": [1, 2]}, None),
    "text": ("hello", None),
}


@pytest.mark.parametrize(("content", "rows"), ROWS.values(), ids=ROWS.keys())
def test_rows_are_counted_where_the_form_tells(content: Any, rows: int | None) -> None:
    """Of requests and answers alike."""
    assert rows == count_rows(json.loads(json.dumps(content)))


def test_the_example_beside_an_entry_script_is_its_own(tmp_path: Path) -> None:
    """It is sent as it is."""
    (tmp_path / "input_example.json").write_text('{"input_data": [[1], [2]]}')

    example = script_example(tmp_path / "score.py")

    assert example is not None
    assert ("input_example.json", b'{"input_data": [[1], [2]]}', 2) == (example.name, example.body, example.rows)


def test_an_entry_script_without_an_example_is_only_started(tmp_path: Path) -> None:
    """The model's own example is not what it takes."""
    assert script_example(tmp_path / "score.py") is None


def test_an_example_beside_an_entry_script_is_json(tmp_path: Path) -> None:
    """Else the proof says which file is not."""
    (tmp_path / "input_example.json").write_text("{bad")

    with pytest.raises(PuncheonError, match=r"input_example\.json"):
        script_example(tmp_path / "score.py")
