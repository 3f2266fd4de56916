"""Whether a run reached its goals, and the table that says so."""

# The goals are written with the sign for "times", which looks like a letter.
# ruff: noqa: RUF001

from __future__ import annotations

from typing import Any

import pytest

from bench.goals import GOALS, Goal, Limit, Verdict, judge
from bench.report import goals, number, page, table

BY_NAME = {goal.what: goal for goal in GOALS}
THROUGHPUT = "2 rows, 128 connections, requests/s"
ONE = "2 rows, 1 connection, p50"
MEMORY = "memory, all our processes beside the model's own, idle"
KILLED = "worker killed → next answer, preloaded model"


def record(server: str, connections: int = 128, rows: int = 2, **median: float) -> dict[str, Any]:
    whole = {"rate": 1, "p50_ms": 1, "p99_ms": 1, "cpu_ms": 1, "answers": 100, "refused": 0, "broken": 0, **median}
    return {"server": server, "rows": rows, "connections": connections, "beside": 0, "median": whole}


def results(*loads: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"machine": {}, "iris": {"loads": list(loads), **parts}}


@pytest.mark.parametrize(
    ("value", "least", "most", "met"),
    [
        pytest.param(15, 15, None, True, id="just enough"),
        pytest.param(14.99, 15, None, False, id="too little"),
        pytest.param(0.6, None, 0.6, True, id="just within"),
        pytest.param(0.61, None, 0.6, False, id="too much"),
    ],
)
def test_limit(value: float, least: float | None, most: float | None, met: bool) -> None:
    """The limit itself is within."""
    assert met is Limit("", value, least, most).met


def test_throughput_is_compared_with_the_best_peer() -> None:
    """Both halves are shown, and the goal is missed if one of them is."""
    run = results(
        record("puncheon", rate=6000),
        record("azmlinfsrv", rate=400),
        record("mlserver", rate=1200),
        record("empty request", rate=12000),
    )

    verdict = judge(BY_NAME[THROUGHPUT], run)

    assert "6,000/s: 15.0 × azmlinfsrv (400/s); 5.0 × mlserver (1,200/s)" == verdict.found
    assert verdict.met is False


def test_ceiling_and_ourselves_are_no_peers() -> None:
    """The best peer's tail is a peer's, however fast an empty request is."""
    run = results(
        record("puncheon", p99_ms=20),
        record("puncheon, direct", p99_ms=2),
        record("empty request", p99_ms=1),
        record("litserve", p99_ms=100),
    )

    verdict = judge(BY_NAME["2 rows, 128 connections, p99"], run)

    assert ("20.0 ms: 0.20 × litserve (100.0 ms)", True) == (verdict.found, verdict.met)


def test_one_connection_against_the_floor() -> None:
    """Half a millisecond above bare predict is within."""
    run = results(
        record("puncheon", 1, p50_ms=1.5),
        record("azmlinfsrv", 1, p50_ms=1.9),
        floor={"rows": {"2": {"predict_ms": 1.0, "json_ms": 1.3}}},
    )

    assert judge(BY_NAME[ONE], run).met is True


@pytest.mark.parametrize(
    ("lost", "worst", "met"),
    [
        pytest.param(0, 80, True, id="quick and whole"),
        pytest.param(1, 80, False, id="one lost"),
        pytest.param(0, 101, False, id="one late"),
    ],
)
def test_killed_worker(lost: int, worst: float, met: bool) -> None:
    """The worst kill counts, and any request lost."""
    killed = {"ms": [40, worst], "median_ms": 60, "worst_ms": worst, "asked": 900, "lost": lost}

    assert met is judge(BY_NAME[KILLED], {"resources": {"killed": killed}}).met


def test_memory_of_a_server_without_the_service() -> None:
    """Where the model lives in the server there is nothing beside it to measure."""
    idle = {"beside_model_mb": None, "container_mb": 200, "peer_container_mb": 600}

    assert judge(BY_NAME[MEMORY], {"resources": {"idle": idle}}).met is None


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.what)
def test_what_was_not_measured_is_neither_met_nor_missed(goal: Goal) -> None:
    """An empty run has a table all the same."""
    assert Verdict(goal.what, goal.goal, "not measured", None) == judge(goal, {})


def test_table_of_goals_marks_what_was_missed() -> None:
    """A missed goal stands out."""
    text = goals(results(record("puncheon", rate=10), record("azmlinfsrv", rate=10)))

    assert "10/s: 1.0 × azmlinfsrv (10/s); 1.0 × azmlinfsrv (10/s) | **missed** |" in text


def test_table() -> None:
    """Columns of numbers stand to the right, the first to the left."""
    expected = "| a | b |\n| --- | ---: |\n| x | 1 |\n"

    assert expected == table(["a", "b"], [["x", "1"]], numbers=True)


@pytest.mark.parametrize(
    ("value", "text"),
    [(7412.4, "7,412"), (86.12, "86.1"), (1.912, "1.91"), (0.0561, "0.056"), (0, "0.000"), (None, "")],
)
def test_number(value: float | None, text: str) -> None:
    """As many digits as mean something."""
    assert text == number(value)


def test_page_says_what_was_not_answered() -> None:
    """Refused requests are named under their table."""
    part = {
        "when": "2024-01-01 00:00 UTC",
        "commit": "abc",
        "server": "puncheon",
        "command": "python -m bench",
        "servers": [{"name": "mlflow", "version": "1", "how": "as it is"}],
        "checked": {"mlflow": 131},
        "loads": [record("mlflow", 32, refused=3)],
    }

    text = page({"machine": {"processor": "two cores"}, "iris": part})

    assert "mlflow on 32 connections: 3 refused, 0 broken or timed out, of 100." in text
