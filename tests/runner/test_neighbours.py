"""An answer never depends on its neighbours: requests of many kinds in one frame, against each of them alone."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puncheon_runner.protocol import PARSED, Request
from puncheon_server.parsing import LEAST_BYTES, parsed
from tests.runner.running import SCRIPTS, Runner, run
from tests.serving import ENTRY_SCRIPT

MOST_ROWS = 24
TOLERANCE = 1e-5
EXAMPLES = 100

TEXTS = st.sampled_from(["", "a", "y", "ü", "NaN", "3", "2024-01-02", "\ud800", "x" * 300]) | st.text(max_size=5)
REALS = st.floats(width=32) | st.floats() | st.sampled_from([0.0, -0.0, 1e-300, 1e300, 5.1, 3.5])
WHOLE = st.integers(-3, 3) | st.sampled_from([2**31 - 1, 2**31, -(2**31), 2**63 - 1, 2**63, -(2**70), 10**30, 10**400])
MOMENTS = st.sampled_from(
    ["2024-01-02T03:04:05", "2024-01-02", "1999-12-31T23:59:59.123456789", "2024-01-02T03:04:05+02:00", "2500-01-01"]
)
BINARY = st.sampled_from(["", "YWI=", "YWJj\n", "AAECAw=="])
TRUTH = st.booleans()
ODD = (
    st.none() | TRUTH | WHOLE | REALS | TEXTS | st.just([]) | st.just([1.0]) | st.just({}) | st.just({"a": 1})
    | st.sampled_from(["1.5", " 2 ", "nan", "inf", "true", "0", "1e5", "2024-13-01", "YWI"])
)  # fmt: skip
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "datetime": MOMENTS, "binary": BINARY, "string": TEXTS, "integer": st.integers(-9, 9), "long": st.integers(-9, 9),
    "float": st.floats(-9, 9, width=32), "double": st.floats(-9, 9), "boolean": TRUTH, "note": TEXTS | st.none(),
    "weight": st.floats(-9, 9) | st.integers(-9, 9) | st.none(), "member": TRUTH | st.none(),
}  # fmt: skip
OPTIONAL = ("note", "weight", "member")
FLOWER = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
PARAMS = st.sampled_from(
    [{}, {"factor": 3}, {"factor": 3.0}, {"factor": 2}, {"factor": "x"}, {"factor": None}, {"name": "y"}, {"other": 1}]
) | st.sampled_from([None, 3, [], {"factor": 2, "name": "z"}])

Rows = list[list[Any]]


@st.composite
def tables(draw: st.DrawFn, columns: dict[str, st.SearchStrategy[Any]], optional: tuple[str, ...] = ()) -> Any:
    """Return a body with rows of these columns in one of the forms that clients write."""
    left_out = draw(st.sets(st.sampled_from(optional), max_size=2)) if optional and draw(st.booleans()) else set()
    names = [name for name in columns if name not in left_out]
    count = draw(st.sampled_from([1, 1, 1, 2, 3, MOST_ROWS + 6]))
    row = st.tuples(*(columns[name] for name in names)).map(list)
    rows: Rows = draw(st.lists(row, min_size=min(count, 3), max_size=min(count, 3)))
    rows = [rows[number % len(rows)] for number in range(count)]
    if draw(st.integers(0, 5)) == 0:
        place = draw(st.integers(0, len(names) - 1))
        rows = [list(one) for one in rows]
        rows[draw(st.integers(0, count - 1))][place] = draw(ODD)
    return draw(forms(names, rows))


@st.composite
def forms(draw: st.DrawFn, names: list[str], rows: Rows) -> Any:
    """Return rows as a body: split, records, columns or bare; rarely with an index, a column more, another order."""
    if draw(st.integers(0, 9)) == 0:
        names, rows = [*names, "further"], [[*row, draw(ODD)] for row in rows]
    if draw(st.integers(0, 4)) == 0:
        order = draw(st.permutations(range(len(names))))
        names, rows = [names[at] for at in order], [[row[at] for at in order] for row in rows]
    split: dict[str, Any] = {"columns": names, "data": rows}
    if draw(st.integers(0, 9)) == 0:
        split["index"] = draw(
            st.sampled_from([list(range(len(rows))), list(range(7, 7 + len(rows))), ["a"] * len(rows)])
        )
    records = [dict(zip(names, row, strict=True)) for row in rows]
    columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    return draw(
        st.sampled_from(
            [
                {"input_data": split}, {"input_data": records}, {"input_data": columns}, {"input_data": rows},
                {"dataframe_split": split}, {"dataframe_records": records}, {"inputs": columns}, {"instances": records},
            ]
        )
    )  # fmt: skip


@st.composite
def arrays(draw: st.DrawFn, cell: st.SearchStrategy[Any], width: int) -> Any:
    """Return a body with rows of equal length, rarely of another or with an odd cell."""
    width = draw(st.sampled_from([width] * 9 + [width + 1]))
    count = draw(st.sampled_from([1, 1, 2, 3, MOST_ROWS + 6]))
    rows: Rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=3))
    rows = [list(rows[number % len(rows)]) for number in range(count)]
    if draw(st.integers(0, 5)) == 0:
        rows[draw(st.integers(0, count - 1))][0] = draw(ODD)
    return {draw(st.sampled_from(["input_data", "inputs", "instances"])): rows}


BAD = st.sampled_from(
    [b"", b" ", b"{bad", b"\xff\xfe", b"{}", b"[]", b"null", b"3", b'"a"', b'{"input_data": []}', b'{"input_data": {}}',
     b'{"input_data": [[]]}', b'{"input_data": [1], "inputs": [1]}', b'{"data": 3}', b"[" * 3000,
     b'{"input_data": {"columns": ["x", "x"], "data": [[1, 2]]}}', b'{"input_data": [NaN]}']
)  # fmt: skip


@st.composite
def with_params(draw: st.DrawFn, bodies: st.SearchStrategy[Any]) -> bytes:
    """Return a body as text, some with ``params``."""
    body = draw(bodies)
    if isinstance(body, dict) and draw(st.integers(0, 3)) == 0:
        body = {**body, "params": draw(PARAMS)}
    return json.dumps(body, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


FLOWERS = {name: st.floats(0, 8) | st.integers(0, 8) for name in FLOWER}
NESTED = {
    "scores": st.lists(st.floats(-9, 9) | st.integers(-9, 9), max_size=3),
    "who": st.fixed_dictionaries({"name": TEXTS, "age": st.integers(0, 99)}) | st.just({"name": "x"}),
}
MODELS: dict[str, tuple[st.SearchStrategy[Any], bool]] = {
    "every_type": (tables(GOOD, OPTIONAL), True),
    "iris": (tables(FLOWERS), True),
    "with_params": (tables({"x": st.floats(-9, 9) | st.integers(-9, 9)}), True),
    "dataframe_output": (tables({"x": st.floats(-9, 9) | st.none()}), True),
    "nested_columns": (tables(NESTED), True),
    "tensor_input": (arrays(st.floats(0, 8) | st.integers(0, 8), 4), True),
    "whole_tensor": (arrays(st.integers(-9, 9), 3), True),
    "named_tensors": (st.fixed_dictionaries({"inputs": st.just({"a": [[1.0, 2.0, 3.0]], "b": [1]})}), False),
    "no_signature": (arrays(st.floats(0, 8), 4), False),
    "type_hints": (st.fixed_dictionaries({"input_data": st.lists(TEXTS | ODD, min_size=1, max_size=3)}), False),
    "text_lines": (st.fixed_dictionaries({"input_data": st.lists(TEXTS | ODD, min_size=1, max_size=3)}), True),
}
"""What is asked of each saved model, and whether its requests can share a predict at all."""


class Asked(NamedTuple):
    """A request to one of the models, and whether the HTTP side parses it, where that leaves it no text."""

    model: str
    body: bytes
    is_parsed: bool

    def request(self) -> Request:
        """Return what a frame holds."""
        named = b'["%s", %s]' % (self.model.encode(), self.body)
        found = parsed(named + b" " * LEAST_BYTES) if self.is_parsed else None
        if found is not None:
            return Request(b"", found, PARSED)
        return Request(b"", self.model.encode() + b"\n" + self.body)


class Models:
    """A worker that serves them all, and what it answered to each request alone, as text."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._alone: dict[Asked, tuple[int, bytes]] = {}
        self.shared = 0

    def together(self, frame: list[Asked]) -> list[tuple[int, bytes]]:
        """Return status and body of the answer to each request of one frame."""
        messages = self._runner.exchange([asked.request() for asked in frame])
        self.shared += sum(one.status == 200 for answers in messages if len(answers) > 1 for one in answers)
        found = {one.place: (one.status, one.body) for answers in messages for one in answers}
        return [found[place] for place in range(len(frame))]

    def alone(self, asked: Asked) -> tuple[int, bytes]:
        """Return what it is by itself."""
        plain = asked._replace(is_parsed=False)
        if plain not in self._alone:
            (self._alone[plain],) = self.together([plain])
        return self._alone[plain]


@pytest.fixture(scope="module")
def models(saved_models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    """One real worker."""
    with run(
        SCRIPTS / "many_models.py",
        tmp_path_factory.mktemp("runner"),
        MODELS=os.pathsep.join(str(saved_models[name]) for name in MODELS),
        ENTRY_SCRIPT=str(ENTRY_SCRIPT),
        BATCHING="on",
        BATCH_MAX_ROWS=str(MOST_ROWS),
        WORKER_PRELOAD="true",
    ) as runner:
        runner.until(lambda state: state["state"] == "ready", limit_s=120)
        yield Models(runner)
        assert 0 == runner.worker()["deaths"]


@pytest.mark.parametrize("name", MODELS)
def test_an_answer_is_the_same_alone_and_together(models: Models, name: str) -> None:
    """Status and body, whatever stands beside it, in whatever order, and whoever has parsed it."""
    bodies, can_share = MODELS[name]
    texts = with_params(bodies) | with_params(bodies) | with_params(bodies) | BAD
    requests = st.builds(Asked, st.just(name), texts, st.booleans())
    before = models.shared

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(requests, min_size=2, max_size=10), st.randoms(use_true_random=False))
    def compare(frame: list[Asked], chance: Any) -> None:
        frame = chance.sample(frame * 2, k=len(frame) + 2)
        for asked, together in zip(frame, models.together(frame), strict=True):
            alone = models.alone(asked)
            assert alone[0] == together[0], (asked, alone, together)
            assert is_same(json.loads(alone[1]), json.loads(together[1])), (asked, alone, together)

    compare()
    assert can_share == (models.shared > before)


DIFFERENT: dict[str, tuple[str, list[str]]] = {
    "no params and empty ones": (
        "whole_tensor",
        ['{"input_data": [[0, 0, 0]]}', '{"input_data": [[0, 0, 0]], "params": {}}'],
    ),
    "params of other types": (
        "every_type",
        [
            json.dumps({"input_data": [["2024-01-02", "YQ==", "x", 1, 1, 1, 1, True, "a", 1, True]], "params": params})
            for params in ({"factor": 2}, {"factor": 2.0}, {"factor": 2.5}, {"name": "x"}, {})
        ],
    ),
    "a null among texts": (
        "every_type",
        [
            json.dumps({"input_data": [["2024-01-02", "YQ==", "x", 1, 1, 1, 1, True, note, 1, member]]})
            for note in ("a", None, 3)
            for member in (True, None)
        ],
    ),
    "rows that the client named": (
        "dataframe_output",
        [
            json.dumps({"dataframe_split": {"columns": ["x"], "data": [[1.0]], "index": index}})
            for index in ([0], [7], ["a"])
        ],
    ),
}


@pytest.mark.parametrize(("name", "bodies"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_what_only_looks_alike_is_kept_apart(models: Models, name: str, bodies: list[str]) -> None:
    """The model is called with the same frame and params as alone."""
    frame = [Asked(name, body.encode(), is_parsed) for is_parsed in (False, True) for body in bodies]

    together = models.together(frame * 2)

    assert [models.alone(asked) for asked in frame] * 2 == together


def is_same(one: Any, other: Any) -> bool:
    """Whether two answers are equal, reals within the tolerance."""
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, (int, float)) and isinstance(other, (int, float))
        return numbers and math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-9)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(is_same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other
