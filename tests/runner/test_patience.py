"""How long a shared call may take, and how many rows it has, by what is known of the script's speed."""

from __future__ import annotations

import pytest

from puncheon_runner import scoring
from puncheon_runner.entry_script import EntryScript
from puncheon_runner.protocol import Frame, Request
from puncheon_runner.scoring import Scoring
from tests.runner.in_process import Guard, Script


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def guard() -> Guard:
    return Guard()


QUICK, SLOW = 0.01, 0.2
KNOWN: dict[str, tuple[list[tuple[float, int]], float, int, float]] = {
    "nothing": ([], 60, 2, 60),
    "quick calls": ([(QUICK, 1)], 60, 2, 1),
    "slow calls": ([(SLOW, 10)], 60, 2, 20 * SLOW),
    "very slow calls": ([(10, 10)], 60, 2, 60),
    "a short limit": ([(QUICK, 10)], 2, 2, 0.5),
    "a very short limit": ([(QUICK, 10)], 0.1, 2, 0.1),
    "slow rows": ([(SLOW, 1)], 60, 30, 5 * 30 * SLOW),
    "slow rows, a short limit": ([(SLOW, 1)], 10, 30, 10),
}


def known(script: Script, guard: Guard, calls: list[tuple[float, int]]) -> Scoring:
    """Return what has seen these calls: seconds and rows."""
    one = Scoring(EntryScript(script), True, 100, guard)
    for seconds, rows in calls:
        one.learn(seconds, rows)
    return one


@pytest.mark.parametrize(("calls", "limit_s", "rows", "expected"), KNOWN.values(), ids=KNOWN.keys())
def test_a_shared_call_may_take_some_times_what_others_took(
    guard: Guard, script: Script, calls: list[tuple[float, int]], limit_s: float, rows: int, expected: float
) -> None:
    """By call and by row; at least a second or a quarter of the limit, at most the limit."""
    assert pytest.approx(expected) == known(script, guard, calls).patience_s(limit_s, rows)


def test_the_slowest_call_is_forgotten_in_time(guard: Guard, script: Script) -> None:
    """One slow call does not make every later hang last."""
    assert scoring.PATIENCE_S == known(script, guard, [(10, 1), *[(0.001, 1)] * 1000]).patience_s(60, 2)


MOST: dict[str, tuple[list[tuple[float, int]], float, float]] = {
    "nothing": ([], 1, 100),
    "quick rows": ([(0.001, 1)], 60, 100),
    "slow rows": ([(0.1, 1)], 1, 5),
    "very slow rows": ([(2, 1)], 1, 0.25),
    "slow calls of many rows": ([(0.1, 1), *[(0.1, 50)] * 50], 1, 100),
}


@pytest.mark.parametrize(("calls", "limit_s", "expected"), MOST.values(), ids=MOST.keys())
def test_a_shared_call_is_expected_to_end_in_half_the_limit(
    guard: Guard, script: Script, calls: list[tuple[float, int]], limit_s: float, expected: float
) -> None:
    """Rows that take their time are fewer: together they must not outlive the limit of one."""
    assert pytest.approx(expected) == known(script, guard, calls).most_rows(limit_s)


def test_slow_rows_share_smaller_calls(guard: Guard, script: Script) -> None:
    """Three rows of 100 ms where the limit is 600 ms."""
    one = known(script, guard, [(0.1, 1)])

    list(one.answer(Frame([Request(b"", str(number).encode()) for number in range(7)], 610, 1, 1)))

    assert [["0", "1", "2"], ["3", "4", "5"], ["6"]] == script.calls
