"""Answers against signatures and against output examples: tables of both."""

from __future__ import annotations

from typing import Any

import pytest

from puncheon.proof.answer import describe, difference_from_example, difference_from_signature


def tensor(dtype: str, *shape: int, **more: Any) -> dict[str, Any]:
    return {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": list(shape)}, **more}


def column(type_: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    return {"type": type_, **({} if name is None else {"name": name}), "required": True, **more}


TWO = [column("double", "score"), column("string", "word")]
PERSON = {"age": {"type": "long", "required": True}, "name": {"type": "string", "required": False}}
FITS = {
    "no signature": ([1, "a"], []),
    "labels": ([0, 2], [tensor("int64", -1)]),
    "probabilities": ([[0.1, 0.9]], [tensor("float64", -1, 2)]),
    "gap in a float tensor": ([None, 0.5], [tensor("float32", -1)]),
    "whole numbers in a float tensor": ([1, 2], [tensor("float64", -1)]),
    "texts": (["a"], [tensor("str", -1)]),
    "objects": ([{"a": 1}, 7], [tensor("object", -1)]),
    "a Series for a vector": ([{"0": 1}], [tensor("int64", -1)]),
    "a frame for a column": ([{"a": 1.5}], [tensor("float64", -1, 1)]),
    "named tensors": ({"a": [1], "b": [[0.5]]}, [tensor("int64", -1, name="a"), tensor("float64", -1, 1, name="b")]),
    "one named tensor, bare": ([1], [tensor("int64", -1, name="label")]),
    "no rows": ([], [tensor("int64", -1)]),
    "records": ([{"score": 0.5, "word": "x"}], TWO),
    "records with a gap": ([{"score": None, "word": None}], TWO),
    "one record": ({"score": 0.5, "word": "x"}, TWO),
    "columns": ({"score": [0.5, 1.0], "word": ["x", "y"]}, TWO),
    "rows without names": ([[0.5, "x"]], TWO),
    "optional column left out": ([{"a": 1}], [column("long", "a"), column("long", "b", required=False)]),
    "labels for a named column": ([0, 2], [column("long", "species")]),
    "column vector for a named column": ([[0], [2]], [column("long", "species")]),
    "a Series for a named column": ([{"species": 0}], [column("long", "species")]),
    "a Series without a name": ([{"0": 0}], [column("long", "species")]),
    "a scalar": ("yes", [column("string")]),
    "texts of a language model": (["a", "b"], [column("string")]),
    "lists": ([[1.0, 2.0]], [column("array", items={"type": "double"})]),
    "objects by property": ([{"age": 3}], [column("object", properties=PERSON)]),
    "a column of objects": ([{"who": {"age": 3, "name": "x"}}], [column("object", "who", properties=PERSON)]),
    "a map": ([{"x": 1, "y": 2}], [column("map", values={"type": "long"})]),
    "whatever": ([{"x": 1}], [column("any")]),
    "moment": ([{"at": "2024-01-02T03:04:05.000000001"}], [column("datetime", "at")]),
    "binary": ([{"raw": "YWJj"}], [column("binary", "raw")]),
    "numbers as column names": ([{"0": 1, "1": 2}], [column("long", 0), column("long", 1)]),  # type: ignore[arg-type]
}
DIFFERS = {
    "fractions for whole numbers": ([0.5], [tensor("int64", -1)], "holds 0.5 (number): expected int64"),
    "truth values for numbers": ([True], [tensor("int64", -1)], "holds True (boolean)"),
    "another rank": ([[1]], [tensor("int64", -1)], "has the shape [1, 1]: expected [-1]"),
    "another width": ([[1.0]], [tensor("float64", -1, 2)], "has the shape [1, 1]: expected [-1, 2]"),
    "ragged": ([[1.0], [1.0, 2.0]], [tensor("float64", -1, 2)], "ragged"),
    "missing tensor": ({"a": [1]}, [tensor("int64", -1, name="a"), tensor("int64", -1, name="b")], "'b' is missing"),
    "list for named tensors": ([1], [tensor("int64", -1, name="a"), tensor("int64", -1, name="b")], "tensors a, b"),
    "text for a number": ([{"score": "x", "word": "x"}], TWO, "row 1, column 'score' is 'x' (string): expected double"),
    "second row": ([{"score": 1, "word": "x"}, {"score": 1, "word": 2}], TWO, "row 2, column 'word' is 2 (integer)"),
    "missing column": ([{"score": 1}], TWO, "the column 'word' is missing: the answer has score"),
    "further column": ([{"score": 1, "word": "x", "more": 1}], TWO, "the columns more are not in the signature"),
    "numbers for records": ([1, 2], TWO, "expected a record with the columns score, word"),
    "another name": ([{"kind": 0}], [column("long", "species")], "expected 'species' (long)"),
    "numbers for texts": ([0], [column("string", "species")], "column 'species' is 0 (integer): expected string"),
    "null for a whole number": ([None], [column("long")], "is null: expected long"),
    "too large": ([2**31], [column("integer")], "expected integer"),
    "a number for a list": ([1.0], [column("array", items={"type": "double"})], "expected a list"),
    "missing property": ([{"name": "x"}], [column("object", properties=PERSON)], "lacks 'age'"),
    "no moment": ([{"at": 7}], [column("datetime", "at")], "expected datetime"),
}


@pytest.mark.parametrize(("answer", "outputs"), FITS.values(), ids=FITS.keys())
def test_an_answer_of_the_signatures_types_has_no_difference(answer: Any, outputs: list[dict[str, Any]]) -> None:
    """MLflow leaves the form open: each that a server gives for these types is right."""
    assert None is difference_from_signature(answer, outputs)


@pytest.mark.parametrize(("answer", "outputs", "message"), DIFFERS.values(), ids=DIFFERS.keys())
def test_the_first_difference_is_told_in_one_sentence(answer: Any, outputs: list[dict[str, Any]], message: str) -> None:
    """Which row and column, what came, what was expected."""
    assert message in (difference_from_signature(answer, outputs) or "")


def test_no_more_than_a_part_of_a_value_is_shown() -> None:
    """An answer may be the size of a book."""
    difference = difference_from_signature(["x" * 10_000], [column("long")])

    assert len(difference or "") < 200


SAME = {
    "equal": ([1, "a", None, True], [1, "a", None, True]),
    "within the tolerance": ([0.333333], [0.333334]),
    "whole numbers as floats": ([1.0], [1]),
    "wrapped as MLflow answers": ([1], {"predictions": [1]}),
    "both wrapped": ({"predictions": [1]}, {"predictions": [1]}),
    "keys in another order": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
}
OTHER = {
    "number": ([0, 1], [0, 2], "the answer[1] is 1 (integer): expected 2 (integer)"),
    "beyond the tolerance": ([0.5], [0.51], "expected 0.51"),
    "length": ([1], [1, 2], "has 1 items: expected 2"),
    "keys": ([{"a": 1}], [{"b": 1}], "the answer[0] has the keys a: expected b"),
    "truth is no number": ([True], [1], "True (boolean): expected 1 (integer)"),
    "type": ("1", 1, "'1' (string): expected 1 (integer)"),
}


@pytest.mark.parametrize(("answer", "expected"), SAME.values(), ids=SAME.keys())
def test_equal_answers_have_no_difference(answer: Any, expected: Any) -> None:
    """Floats within the stated tolerance."""
    assert None is difference_from_example(answer, expected)


@pytest.mark.parametrize(("answer", "expected", "message"), OTHER.values(), ids=OTHER.keys())
def test_the_place_of_the_first_difference_is_told(answer: Any, expected: Any, message: str) -> None:
    """With both values."""
    assert message in (difference_from_example(answer, expected) or "")


FORMS = {
    "list of 2 integers": [1, 2],
    "list of 2 x 3 numbers": [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]],
    "list of 2 nulls and numbers": [None, 0.5],
    "list of 2 ragged integers": [[1], [1, 2]],
    "list of 1 records (a, b)": [{"a": 1, "b": 2}],
    "object (a)": {"a": 1},
    "list of 0 items": [],
    "string": "yes",
}


@pytest.mark.parametrize(("words", "answer"), FORMS.items(), ids=FORMS.keys())
def test_the_form_is_put_into_words_without_values(words: str, answer: Any) -> None:
    """What the record says of an answer."""
    assert words == describe(answer)
