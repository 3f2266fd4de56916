"""The rows of an example as requests of their own, and again and again in one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from puncheon.proof.rows import MOST, repeated, single_rows

ROWS = [[1.0, "a"], [2.0, "b"]]
RECORDS = [{"x": 1.0, "y": "a"}, {"x": 2.0, "y": "b"}]
SPLIT = {"columns": ["x", "y"], "data": ROWS}
COLUMNS = {"x": [1.0, 2.0], "y": ["a", "b"]}

FORMS: dict[str, tuple[Any, list[Any]]] = {
    "rows": (ROWS, [[row] for row in ROWS]),
    "records": (RECORDS, [[record] for record in RECORDS]),
    "split": (SPLIT, [{"columns": ["x", "y"], "data": [row]} for row in ROWS]),
    "split with an index": ({**SPLIT, "index": [7, 9]}, [{"columns": ["x", "y"], "data": [row]} for row in ROWS]),
    "columns": (COLUMNS, [{"x": [1.0], "y": ["a"]}, {"x": [2.0], "y": ["b"]}]),
    "input_data": ({"input_data": SPLIT}, [{"input_data": {"columns": ["x", "y"], "data": [row]}} for row in ROWS]),
    "dataframe_split": (
        {"dataframe_split": SPLIT},
        [{"dataframe_split": {"columns": ["x", "y"], "data": [row]}} for row in ROWS],
    ),
    "dataframe_records": ({"dataframe_records": RECORDS}, [{"dataframe_records": [record]} for record in RECORDS]),
    "instances": ({"instances": ROWS}, [{"instances": [row]} for row in ROWS]),
    "inputs of columns": (
        {"inputs": COLUMNS},
        [{"inputs": {"x": [1.0], "y": ["a"]}}, {"inputs": {"x": [2.0], "y": ["b"]}}],
    ),
    "with params": (
        {"input_data": ROWS, "params": {"factor": 3}},
        [{"input_data": [row], "params": {"factor": 3}} for row in ROWS],
    ),
    "one body inside another": (
        {"input_data": {"dataframe_split": SPLIT}},
        [{"input_data": {"dataframe_split": {"columns": ["x", "y"], "data": [row]}}} for row in ROWS],
    ),
    "texts": (["a", "b"], [["a"], ["b"]]),
    "nested rows": ([[[1.0], [2.0]], [[3.0], [4.0]]], [[[[1.0], [2.0]]], [[[3.0], [4.0]]]]),
    "rows twice": ([[1], [2], [1]], [[[1]], [[2]]]),
}


@pytest.mark.parametrize(("body", "expected"), FORMS.values(), ids=FORMS.keys())
def test_each_row_becomes_a_request_of_the_examples_form(body: Any, expected: list[Any]) -> None:
    """Columns and params stay; an index, which would name other rows, does not."""
    assert expected == [json.loads(request) for request in single_rows(json.dumps(body).encode())]


VARIED: dict[str, tuple[Any, list[Any]]] = {
    "one row": ([[8.0, 1, "a"]], [[[factor * 8.0, 1, "a"]] for factor in (1.125, 1.25, 1.375)]),
    "one row twice": ([{"x": 8.0}, {"x": 8.0}], [[{"x": factor * 8.0}] for factor in (1.125, 1.25, 1.375)]),
    "one nested row": ([[{"x": [8.0]}]], [[[{"x": [factor * 8.0]}]] for factor in (1.125, 1.25, 1.375)]),
}


@pytest.mark.parametrize(("body", "varied"), VARIED.values(), ids=VARIED.keys())
def test_a_lone_row_is_varied_in_its_real_numbers(body: list[Any], varied: list[Any]) -> None:
    """Whole numbers may be codes, and texts names: another one might be refused."""
    requests = [json.loads(request) for request in single_rows(json.dumps(body).encode())]

    assert [body[:1], *varied] == requests


WITHOUT: dict[str, Any] = {
    "a number": 3,
    "a text": "a",
    "no rows": [],
    "an empty object": {},
    "one row without real numbers": [[1, "a"]],
    "one row of zeros": [[0.0]],
    "columns of two lengths": {"x": [1.0, 2.0], "y": [1.0]},
    "an object of scalars": {"x": 1.0, "y": "a"},
    "a wrapper around a number": {"inputs": 3},
}


@pytest.mark.parametrize("body", WITHOUT.values(), ids=WITHOUT.keys())
def test_what_has_no_two_rows_gives_none(body: Any) -> None:
    """And no error."""
    assert [] == single_rows(json.dumps(body).encode())


def test_of_many_rows_some_are_taken() -> None:
    """The first ones."""
    assert MOST == len(single_rows(json.dumps([[number] for number in range(1000)]).encode()))


@pytest.mark.parametrize(
    ("body", "expected"), [(ROWS, [*ROWS, ROWS[0]]), ({"inputs": ROWS}, {"inputs": [*ROWS, ROWS[0]]})]
)
def test_rows_are_repeated_in_one_request(body: Any, expected: Any) -> None:
    """In turn, to the number that is asked for."""
    request = repeated(json.dumps(body).encode(), 3)

    assert request is not None
    assert expected == json.loads(request)


def test_what_has_no_rows_is_not_repeated() -> None:
    """None in place of a request."""
    assert repeated(b'{"x": 1}', 3) is None
