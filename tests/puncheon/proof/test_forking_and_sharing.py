"""What a real worker is asked in order to find out whether its model may be forked, and whether requests may share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from puncheon.capabilities import Capability
from puncheon.proof import sharing
from puncheon.proof.forking import may_fork
from puncheon.proof.sharing import may_share
from puncheon.proof.workers import Answered, ask
from tests.runner.running import Runner, run, write_script

EXAMPLE = json.dumps([[1.0], [2.0], [4.0]]).encode()
NO_ANSWER = Capability(False, "a worker that was forked after loading did not answer in time")
HANG_S = 1.0

Start = Callable[..., Runner]
Ask = Callable[[Sequence[bytes]], Answered]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a runner with a script whose ``predict`` (lines; rows as ``x``) is called once for each shared call."""
    with ExitStack() as stack:

        def start_one(predict: list[str], form: str = "shares", **variables: str) -> Runner:
            batch = [] if form == "has no batch form" else BATCH
            key = "None" if form == "shares nothing" else "''"
            script = write_script(
                tmp_path,
                "import json, os, random, time",
                "calls = 0",
                "parent = os.getpid()",
                "def init(): pass",
                "def predict(x):",
                *(f"    {line}" for line in predict),
                "def run(data): return predict(json.loads(data))",
                f"def prepare(data): rows = json.loads(data); return {key}, rows, len(rows)",
                *batch,
            )
            runner = stack.enter_context(run(script, tmp_path, BATCHING="on", **variables))
            runner.until_ready()
            return runner

        yield start_one


BATCH = [
    "def run_batch(items):",
    "    found = predict([row for rows in items for row in rows])",
    "    answers = []",
    "    for rows in items:",
    "        answers.append(found[:len(rows)])",
    "        found = found[len(rows):]",
    "    return answers",
]


def asking(runner: Runner, limit_s: float = HANG_S) -> Ask:
    """Return what asks the first worker."""
    return lambda bodies: ask(str(runner.worker_socket(0)), bodies, limit_s)


ROW_WISE = ["return [row[0] * 2 for row in x]"]

FORKS: dict[str, tuple[list[str], bytes, bool]] = {
    "answers": (ROW_WISE, EXAMPLE, True),
    "refuses its rows alone": (["if len(x) < 3: raise ValueError", *ROW_WISE], EXAMPLE, True),
    "has an example without rows": (["return x"], b'{"x": 1}', True),
    "hangs in a forked worker": (["if os.getpid() != parent: time.sleep(60)", *ROW_WISE], EXAMPLE, False),
    "dies in a forked worker": (["if os.getpid() != parent: os._exit(1)", *ROW_WISE], EXAMPLE, False),
    "hangs at many rows": (["if len(x) > 1000: time.sleep(60)", *ROW_WISE], EXAMPLE, False),
    "hangs at its hundredth call": (
        ["global calls", "calls += 1", "if calls > 100: time.sleep(60)", *ROW_WISE],
        EXAMPLE,
        False,
    ),
}


@pytest.mark.parametrize(("predict", "example", "allowed"), FORKS.values(), ids=FORKS.keys())
def test_a_forked_worker_must_answer_and_go_on_answering(
    start: Start, predict: list[str], example: bytes, allowed: bool
) -> None:
    """Few and many, small and large; an answer that is a failure is one, too."""
    runner = start(predict, "has no batch form", WORKER_PRELOAD="true")

    found = may_fork(runner.state, example, asking(runner))

    assert allowed == found.allowed
    assert allowed or found == NO_ANSWER


def test_rows_that_take_their_time_are_no_hang(start: Start) -> None:
    """A larger request follows only where the smaller one took little."""
    runner = start(["time.sleep(0.02 * len(x))", *ROW_WISE], "has no batch form", WORKER_PRELOAD="true")

    assert may_fork(runner.state, EXAMPLE, asking(runner, 5)).allowed


def test_a_runner_that_did_not_preload_gives_its_own_reason(start: Start) -> None:
    """Nothing is asked."""
    runner = start(ROW_WISE, WORKER_PRELOAD="false")
    told = {**runner.state, "not_preloaded": "the loaded model runs threads"}

    assert Capability(False, "the loaded model runs threads") == may_fork(told, EXAMPLE, asking(runner))


NEIGHBOURS = "an answer depends on its neighbours: "
SHARES: dict[str, tuple[list[str], str]] = {
    "row by row": (ROW_WISE, ""),
    "within the tolerance": (["return [row[0] * (1 + 1e-9 * len(x)) for row in x]"], ""),
    "depends on its neighbours": (
        ["mean = sum(row[0] for row in x) / len(x)", "return [row[0] - mean for row in x]"],
        NEIGHBOURS,
    ),
    "depends on them now and then": (["return [row[0] + (at == 20) for at, row in enumerate(x)]"], NEIGHBOURS),
    "mixes the rows up": (["return sorted(row[0] for row in x)"], NEIGHBOURS),
    "other types together": (["return [row[0] if len(x) <= 3 else str(row[0]) for row in x]"], NEIGHBOURS),
    "is not deterministic": (
        ["return [random.random() for row in x]"],
        "the model does not answer the same request twice the same",
    ),
    "fails on single rows": (["if len(x) < 3: raise ValueError", *ROW_WISE], "the model fails on single rows"),
    "fails on many rows": (["if len(x) > 3: raise ValueError", *ROW_WISE], sharing.ONE_BY_ONE),
    "dies of many rows": (["if len(x) > 3: os._exit(1)", *ROW_WISE], "the model fails on several requests together"),
    "hangs at many rows": (["if len(x) > 3: time.sleep(9)", *ROW_WISE], "the model fails on several requests together"),
}


@pytest.mark.parametrize(("predict", "reason"), SHARES.values(), ids=SHARES.keys())
def test_requests_share_only_where_answers_are_the_same_together(start: Start, predict: list[str], reason: str) -> None:
    """The reason says what is in the way."""
    runner = start(predict)

    found = may_share(EXAMPLE, asking(runner))

    assert (not reason) == found.allowed, found.reason
    assert found.reason.startswith(reason)


OTHER: dict[str, tuple[str, bytes, str]] = {
    "one row": ("shares", b"[[1.5]]", ""),
    "one row and no real number": ("shares", b"[[1]]", sharing.NO_ROWS),
    "no rows": ("shares", b'{"x": 1}', sharing.NO_ROWS),
    "no batch form": ("has no batch form", EXAMPLE, sharing.ONE_BY_ONE),
    "no key": ("shares nothing", EXAMPLE, sharing.ONE_BY_ONE),
}


@pytest.mark.parametrize(("form", "example", "reason"), OTHER.values(), ids=OTHER.keys())
def test_scripts_and_examples_of_other_forms(start: Start, form: str, example: bytes, reason: str) -> None:
    """What cannot be proven is not allowed."""
    runner = start(ROW_WISE, form)

    found = may_share(example, asking(runner))

    assert (not reason) == found.allowed, found.reason
    assert found.reason.startswith(reason)


def test_a_shared_call_is_one(start: Start) -> None:
    """The proof has seen the sharing that it allows: fewer calls than requests."""
    runner = start(["global calls", "calls += 1", "return [calls for row in x]"])
    alone: Any = runner.value([[1.0]])

    together = [runner.value([[1.0]]) for _ in range(2)]
    runner.send(*[[[1.0]]] * 10)

    assert [alone[0] + 1, alone[0] + 2] == [one[0] for one in together]
    assert alone[0] + 4 == runner.value([[1.0]])[0]
