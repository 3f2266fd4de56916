"""What the entry script accepts, refuses and answers, by the model's signature."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Load = Callable[..., ModuleType]
pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, at import and at each predict

ROWS = [[5.1, 3.5, 1.4, 0.2], [7.2, 3.2, 6.0, 1.8]]
COLUMNS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
SPLIT = {"columns": COLUMNS, "data": ROWS}
RECORDS = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
BY_COLUMN = {name: [row[number] for row in ROWS] for number, name in enumerate(COLUMNS)}
REORDERED = {"columns": COLUMNS[::-1], "data": [row[::-1] for row in ROWS]}
WITH_MORE = {"columns": [*COLUMNS, "colour"], "data": [[*row, "blue"] for row in ROWS]}
FORMS = {
    "split": SPLIT,
    "split with index": {**SPLIT, "index": [7, 9]},
    "columns reordered": REORDERED,
    "a column that the model does not know": WITH_MORE,
    "rows": ROWS,
    "records": RECORDS,
    "columns": BY_COLUMN,
}
BODIES = {
    **{f"input_data, {name}": {"input_data": form} for name, form in FORMS.items()},
    **{f"bare, {name}": form for name, form in FORMS.items()},
    "dataframe_split": {"dataframe_split": SPLIT},
    "dataframe_records": {"dataframe_records": RECORDS},
    "instances, records": {"instances": RECORDS},
    "instances, rows": {"instances": ROWS},
    "inputs, columns": {"inputs": BY_COLUMN},
    "MLflow's body inside input_data": {"input_data": {"dataframe_split": SPLIT}},
    "numbers as text": {"input_data": {**SPLIT, "data": [[str(cell) for cell in row] for row in ROWS]}},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_column_models_take_every_form(load: Load, saved_models: dict[str, Path], body: Any) -> None:
    """Azure ML's and MLflow's bodies, in each form, give the same answer."""
    assert [0, 2] == load(saved_models["iris"]).run(json.dumps(body))


# What only names make clear is left out: an array has none.
NAMELESS = {
    name: body
    for name, body in BODIES.items()
    if not name.endswith(("reordered", "not know")) and name != "bare, columns"
}


@pytest.mark.parametrize("body", NAMELESS.values(), ids=NAMELESS.keys())
@pytest.mark.parametrize("model", ["tensor_input", "no_signature", "sparse"])
def test_tensor_models_and_models_without_signature_take_them_too(
    load: Load, saved_models: dict[str, Path], model: str, body: Any
) -> None:
    """An array has no names, so order decides there; without a signature the form of the data does."""
    assert [0, 2] == load(saved_models[model]).run(json.dumps(body))


EXAMPLES = {
    "iris": [0, 0],
    "tensor_input": [0, 0],
    "records": [0, 0],
    "sparse": [0, 0],
    "named_tensors": [4.0, 14.0],
    "typed_columns": [
        '{"when": "M", "raw": "O", "text": "O", "int": "i", "long": "i", "float": "f", "double": "f", "flag": "b", '
        '"day": 2, "bytes": 80}'
    ],
    "dataframe_output": [{"score": None, "word": "no"}, {"score": 2.0, "word": "yes"}],
    "with_params": [3.0, 6.0],
    "nested_columns": [{"scores": [1.0, 2.5], "who": {"name": "x", "age": 3}}],
    "type_hints": ["A", "B"],
    "text_lines": [{"0": "a"}, {"0": "b"}],
}


@pytest.mark.parametrize("file", ["input_example.json", "serving_input_example.json"])
@pytest.mark.parametrize(("model", "expected"), EXAMPLES.items(), ids=EXAMPLES.keys())
def test_the_examples_that_mlflow_saved_are_answered(
    load: Load, saved_models: dict[str, Path], model: str, expected: Any, file: str
) -> None:
    """Both files, as they are, for each kind of model; the answer is JSON."""
    answer = load(saved_models[model]).run((saved_models[model] / file).read_text())

    assert expected == json.loads(json.dumps(answer, allow_nan=False))


def typed(**changes: Any) -> dict[str, Any]:
    row = {
        "when": "2024-01-02",
        "raw": "YWJj",
        "text": "x",
        "int": 1,
        "long": 1,
        "float": 1,
        "double": 1,
        "flag": True,
    }
    return {"input_data": [{**row, **changes}]}


ACCEPTED_CELLS = {
    "whole number in double": {"double": 3},
    "null in double": {"double": None},
    "2.0 in long": {"long": 2.0},
    "null in text": {"text": None},
    "null in boolean": {"flag": None},
    "0 in boolean": {"flag": 0},
    "moment with an offset": {"when": "2024-01-02T03:04:05+02:00"},
    "null in datetime": {"when": None},
}
REFUSED_CELLS = {
    "fraction in long": {"long": 1.7},
    "null in long": {"long": None},
    "too large for integer": {"int": 2**31},
    "too large for long": {"long": 2**63},
    "text in double": {"double": "seven"},
    "list in double": {"double": [1.0]},
    "text in boolean": {"flag": "false"},
    "number in datetime": {"when": 1704164645},
    "no date": {"when": "tomorrow-ish"},
    "no base64": {"raw": "***"},
    "object in text": {"text": {"a": 1}},
}


@pytest.mark.parametrize("cells", ACCEPTED_CELLS.values(), ids=ACCEPTED_CELLS.keys())
def test_values_that_lose_nothing_are_converted(
    load: Load, saved_models: dict[str, Path], cells: dict[str, Any]
) -> None:
    """JSON has fewer types than a signature."""
    script = load(saved_models["typed_columns"])
    if cells == {"when": None}:
        # The model asks for the day of the first row.
        body = {"input_data": [*typed()["input_data"], *typed(**cells)["input_data"]]}
    else:
        body = typed(**cells)

    assert 1 == len(script.run(json.dumps(body)))


@pytest.mark.parametrize("cells", REFUSED_CELLS.values(), ids=REFUSED_CELLS.keys())
def test_values_that_would_lose_something_are_refused(
    load: Load, saved_models: dict[str, Path], cells: dict[str, Any]
) -> None:
    """The message names row, column and type, and does not echo the value."""
    script = load(saved_models["typed_columns"])
    ((name, value),) = cells.items()

    with pytest.raises(ValueError, match=rf"Row 1, column {name} \(\w+\): ") as raised:
        script.run(json.dumps(typed(**cells)))

    assert str(value) == "None" or str(value) not in str(raised.value)


REFUSED = {
    "empty": ("", "body is empty"),
    "no JSON": ("{bad", "not JSON"),
    "too deep": ("[" * 100_000, "not JSON|nested too deeply"),
    "no input": ("{}", "input_data"),
    "another key": ('{"messages": []}', "A value is not provided for `input_data`"),
    "two inputs": ('{"inputs": [], "instances": []}', "more than one input: inputs, instances"),
    "null": ('{"input_data": null}', "input is empty"),
    "nothing in it": ("[]", "input is empty"),
    "no rows": (json.dumps({"input_data": {"columns": COLUMNS, "data": []}}), "no rows"),
    "a number": ('{"input_data": 7}', "Row 1 is no list of values; 4 are needed"),
    "short row": ('{"input_data": [[1, 2]]}', "Row 1 has 2 values; 4 are needed"),
    "missing column": (json.dumps({"input_data": {"columns": COLUMNS[:3], "data": [[1, 2, 3]]}}), "petal width"),
    "column twice": ('{"input_data": {"columns": ["a", "a"], "data": [[1, 2]]}}', "named twice"),
    "columns of two lengths": ('{"input_data": {"a": [1], "b": [1, 2]}}', "not of one length"),
    "index of another length": (json.dumps({"input_data": {**SPLIT, "index": [1]}}), "does not fit"),
    "params of another shape": (json.dumps({"input_data": SPLIT, "params": [1]}), "params"),
}


@pytest.mark.parametrize(("body", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_clients_mistake_is_told_as_one(load: Load, saved_models: dict[str, Path], body: str, message: str) -> None:
    """Where no inference server is there to phrase the answer, the error itself comes out, with its status."""
    with pytest.raises(ValueError, match=message) as raised:
        load(saved_models["iris"]).run(body)

    assert 400 == raised.value.status  # type: ignore[attr-defined]


TENSOR_REFUSED = {
    "another width": ([[1.0, 2.0]], r"shape \[1, 2\]"),
    "another rank": ([1.0, 2.0, 3.0, 4.0], r"shape \[4\]"),
    "ragged": ([[1, 2, 3, 4], [1]], "does not fit"),
    "text": ([["a", "b", "c", "d"]], "does not fit"),
}


@pytest.mark.parametrize(("payload", "message"), TENSOR_REFUSED.values(), ids=TENSOR_REFUSED.keys())
def test_a_tensor_of_another_shape_is_refused(
    load: Load, saved_models: dict[str, Path], payload: Any, message: str
) -> None:
    """The message says which shape came and which was expected."""
    with pytest.raises(ValueError, match=message) as raised:
        load(saved_models["tensor_input"]).run(json.dumps({"input_data": payload}))

    assert "float64 tensor of shape [-1, 4]" in str(raised.value)


def test_fractions_do_not_fit_a_whole_number_tensor(load: Load, saved_models: dict[str, Path]) -> None:
    """They would be cut off in silence."""
    body = {"inputs": {"a": [[1, 2, 3]], "b": [1.5]}}

    with pytest.raises(ValueError, match="do not fit int64"):
        load(saved_models["named_tensors"]).run(json.dumps(body))


def test_params_are_passed_on(load: Load, saved_models: dict[str, Path]) -> None:
    """Beside the input; without them the signature's default counts."""
    script = load(saved_models["with_params"])
    body = {"input_data": {"x": [1.0, 2.0]}}

    answers = [script.run(json.dumps({**body, **more})) for more in ({}, {"params": {"factor": 5}})]

    assert [[2.0, 4.0], [5.0, 10.0]] == answers


def test_a_param_of_another_type_is_the_clients_mistake(load: Load, saved_models: dict[str, Path]) -> None:
    """MLflow refuses it, and so is it told."""
    body = {"input_data": {"x": [1.0]}, "params": {"factor": "much"}}

    with pytest.raises(ValueError, match="refuses the input"):
        load(saved_models["with_params"]).run(json.dumps(body))


def test_what_the_model_raises_is_no_clients_mistake(load: Load, saved_models: dict[str, Path]) -> None:
    """It comes out as it is."""
    with pytest.raises(RuntimeError, match="no such table"):
        load(saved_models["example_fails"]).run('{"input_data": {"x": [1.0]}}')
