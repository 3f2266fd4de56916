"""How a frame is answered: what shares a call, what happens when a call fails, and how long it may take."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from puncheon_runner.entry_script import EntryScript
from puncheon_runner.protocol import Frame, Request
from puncheon_runner.scoring import Scoring
from tests.runner.in_process import Guard, RefusedError, Script

Answers = dict[int, tuple[int, Any]]
FAILED = {"message": "An unexpected error occurred in scoring script. Check the logs for more info."}


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def guard() -> Guard:
    return Guard()


Answer = Callable[..., list[Answers]]


@pytest.fixture
def answer(script: Script, guard: Guard) -> Answer:
    """Answer requests (as JSON, or bytes as they are) in one frame; return each message's answers by place."""

    def answer_all(*requests: Any, batching: bool = True, rows: int = 100, limit_s: float = 60) -> list[Answers]:
        bodies = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in requests]
        frame = Frame([Request(b"id-7", body) for body in bodies], int(limit_s * 1000), 1, 1)
        messages = list(Scoring(EntryScript(script), batching, rows, guard).answer(frame))
        assert not guard.is_running
        return [{one.place: (one.status, json.loads(one.body)) for one in answers} for answers, _ in messages]

    return answer_all


def merged(messages: list[Answers]) -> Answers:
    """Return the answers of all messages; no request is answered twice."""
    answers = {place: one for message in messages for place, one in message.items()}
    assert len(answers) == sum(map(len, messages))
    return answers


GROUPS: dict[str, tuple[list[str], list[list[str]]]] = {
    "one key": (["1", "2", "3"], [["1", "2", "3"]]),
    "two keys": (["a:1", "b:1", "a:2", "b:2"], [["a:1", "a:2"], ["b:1", "b:2"]]),
    "no key": (["1", "alone", "2", "alone"], [["1", "2"], ["alone"], ["alone"]]),
    "one request": (["1"], [["1"]]),
    "a refused one among others": (["1", "bad", "2"], [["1", "2"]]),
    "none": ([], []),
}


@pytest.mark.parametrize(("requests", "calls"), GROUPS.values(), ids=GROUPS.keys())
def test_requests_of_one_key_share_a_call(
    answer: Answer, script: Script, requests: list[str], calls: list[list[str]]
) -> None:
    """In the order in which they came; each is answered once."""
    answers = merged(answer(*requests))

    assert calls == script.calls
    expected = {
        place: (422, {"message": "no such column"}) if text == "bad" else (200, f"answer {text}")
        for place, text in enumerate(requests)
    }
    assert expected == answers


def test_without_batching_each_request_has_a_call(answer: Answer, script: Script) -> None:
    """By ``run``, in order, each answered as soon as it is known."""
    assert [{0: (200, "answer 1")}, {1: (200, "answer 2")}] == answer("1", "2", batching=False)
    assert [["1"], ["2"]] == script.calls


def test_a_script_with_run_alone_is_never_batched(guard: Guard) -> None:
    """Whatever the setting says."""
    script = EntryScript(SimpleNamespace(__file__="", init=lambda: None, run=lambda data: data))
    frame = Frame([Request(b"", b"1"), Request(b"", b"2")], 1000, 1, 1)

    messages = list(Scoring(script, True, 100, guard).answer(frame))

    assert [[(0, b'"1"')], [(1, b'"2"')]] == [[(one[0], one[2]) for one in answers] for answers, _ in messages]


ROWS: dict[str, tuple[list[str], list[list[str]]]] = {
    "as many as fit": (["1", "2", "3", "4", "5"], [["1", "2", "3"], ["4", "5"]]),
    "rows count, not requests": (["1", "long", "2", "3"], [["1"], ["long"], ["2", "3"]]),
    "one that is too long goes alone": (["long", "long"], [["long"], ["long"]]),
    "each key has its own": (
        ["a:1", "b:1", "a:2", "b:2", "a:3", "a:4"],
        [["a:1", "a:2", "a:3"], ["a:4"], ["b:1", "b:2"]],
    ),
}


@pytest.mark.parametrize(("requests", "calls"), ROWS.values(), ids=ROWS.keys())
def test_a_shared_call_has_a_most_of_rows(
    answer: Answer, script: Script, requests: list[str], calls: list[list[str]]
) -> None:
    """More go into another one; none is cut or lost."""
    answers = merged(answer(*requests, rows=3))

    assert calls == script.calls
    assert set(range(len(requests))) == set(answers)


FAILING = {
    "a model's failure": ("fail", (500, FAILED)),
    "a refusal": ("refuse", (422, {"message": "out of range"})),
}


@pytest.mark.parametrize(("bad", "expected"), FAILING.values(), ids=FAILING.keys())
def test_a_failing_call_is_redone_one_by_one(answer: Answer, script: Script, bad: str, expected: Any) -> None:
    """Only the one at fault fails; another key's call is none of it."""
    answers = merged(answer("1", bad, "2", "b:1"))

    assert {0: (200, "answer 1"), 1: expected, 2: (200, "answer 2"), 3: (200, "answer b:1")} == answers
    assert [["1", bad, "2"], ["1"], [bad], ["2"], ["b:1"]] == script.calls


def test_a_call_that_fails_for_no_one_request_costs_nobody(answer: Answer, script: Script) -> None:
    """All are answered alone."""
    script.fails_together = True

    assert {0: (200, "answer 1"), 1: (200, "answer 2")} == merged(answer("1", "2"))


WRONG: dict[str, Any] = {
    "too few answers": lambda items: items[1:],
    "too many answers": lambda items: [*items, *items],
    "no list": lambda items: None,
}


@pytest.mark.parametrize("run_batch", WRONG.values(), ids=WRONG.keys())
def test_a_batch_form_that_gives_something_else_fails_for_all(
    answer: Answer, script: Script, run_batch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """An answer must not go to another's request."""
    script.run_batch = run_batch  # type: ignore[method-assign]

    assert {0: (500, FAILED), 1: (500, FAILED)} == merged(answer("1", "2"))


def test_an_exception_in_the_list_is_that_items_answer(
    answer: Answer, script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others' answers stand; a failure is logged."""
    errors = {"1": RefusedError("too old"), "2": ZeroDivisionError("oh")}
    script.run_batch = lambda items: [errors.get(item, item) for item in items]  # type: ignore[method-assign]

    answers = merged(answer("1", "2", "3"))

    assert {0: (422, {"message": "too old"}), 1: (500, FAILED), 2: (200, "3")} == answers
    assert "ZeroDivisionError: oh" in capsys.readouterr().err


@pytest.mark.parametrize("batching", [False, True], ids=["alone", "together"])
def test_what_is_no_text_is_refused(answer: Answer, batching: bool) -> None:
    """Status 400, and the others are answered."""
    answers = merged(answer("1", b"\xff", "2", batching=batching))

    assert [200, 400, 200] == [answers[place][0] for place in range(3)]
    assert "Input cannot be decoded as UTF-8" in answers[1][1]["message"]


PREPARED: dict[str, Any] = {
    "no hash": ([], "item", 1),
    "rows that are no number": ("", "item", "many"),
    "two things": ("", "item"),
    "nothing": None,
}


@pytest.mark.parametrize("prepared", PREPARED.values(), ids=PREPARED.keys())
def test_a_prepare_that_gives_something_else_costs_its_own_request(
    answer: Answer, script: Script, prepared: Any
) -> None:
    """A 500, and the others are answered."""
    prepare = script.prepare
    script.prepare = lambda data: prepared if "odd" in data else prepare(data)  # type: ignore[method-assign]

    answers = merged(answer("1", "odd", "2"))

    assert {0: (200, "answer 1"), 1: (500, FAILED), 2: (200, "answer 2")} == answers


def _circle() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


class Endless:
    """An array that never becomes a list."""

    def tolist(self) -> Any:
        return self


UNWRITABLE = {
    "an object": object(),
    "a circle": _circle(),
    "an endless array": Endless(),
    "a key that is no text": {(1, 2): 3},
}


@pytest.mark.parametrize("value", UNWRITABLE.values(), ids=UNWRITABLE.keys())
@pytest.mark.parametrize("batching", [False, True], ids=["alone", "together"])
def test_what_json_cannot_say_fails_for_its_own_request(
    answer: Answer, script: Script, value: Any, batching: bool
) -> None:
    """A 500; the neighbours' answers are written."""
    script.run_batch = lambda items: [value if item == "odd" else item for item in items]  # type: ignore[method-assign]

    answers = merged(answer("1", "odd", "2", batching=batching))

    assert [(200, "1"), (200, "2")] == [answers[0], answers[2]]
    assert 500 == answers[1][0]


VALUES: dict[str, tuple[Any, Any]] = {
    "nothing": (None, {}),
    "not a number": ([float("nan"), {"a": float("inf")}], [None, {"a": None}]),
    "a tuple": ((1, 2), [1, 2]),
    "text": ("ü\ud800", "ü\ud800"),
}


@pytest.mark.parametrize(("value", "expected"), VALUES.values(), ids=VALUES.keys())
def test_what_json_says_of_answers(answer: Answer, script: Script, value: Any, expected: Any) -> None:
    """As the reference server does."""
    script.run_batch = lambda items: [value for _ in items]  # type: ignore[method-assign]

    assert {0: (200, expected)} == merged(answer("1", batching=False))


def test_the_log_names_the_request_that_failed(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    """Its id and the traceback; a refusal is not logged."""
    answer("fail", batching=False)
    logged = capsys.readouterr().err
    answer("refuse", batching=False)

    assert logged.startswith("puncheon: request id-7: the entry script failed\nTraceback")
    assert "ZeroDivisionError" in logged
    assert "" == capsys.readouterr().err


def test_the_guard_knows_which_requests_a_call_is_for(answer: Answer, guard: Guard) -> None:
    """Reading them all, then each call, the failing one's redone."""
    answer("1", "fail", "b:1", "bad")

    assert [[0, 1, 2, 3], [0, 1], [0], [1], [2]] == [indexes for indexes, _ in guard.started]


def test_alone_a_request_has_the_whole_limit(answer: Answer, script: Script, guard: Guard) -> None:
    """With batching and without."""
    answer("1", limit_s=7)
    answer("1", "2", batching=False, limit_s=7)
    answer("1", "alone", "2", limit_s=7)

    assert {7.0} == {limit_s for indexes, limit_s in guard.started if len(indexes) == 1}
