"""Proofs on our own server: what they find out about forking and about sharing a predict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Prove = Callable[..., Any]


def test_a_right_model_may_be_forked_and_may_share(prove_ours: Prove) -> None:
    """Both are recorded with the reason, and the checks are those of the other server."""
    proof = prove_ours("iris")
    record = proof.record

    assert (0, "") == (proof.code, proof.errors)
    assert ("proven", {"name": "puncheon", "version": "0.0.0"}) == (record["status"], record["server"])
    assert {"preload": True, "batching": True} == {
        name: found["allowed"] for name, found in record["capabilities"].items()
    }
    assert all(check["passed"] for check in record["checks"])
    assert "batching on: " in proof.output


BATCHING = {
    "depends_on_neighbours": "an answer depends on its neighbours: ",
    "one_answer_for_all_rows": "its requests do not share a predict: ",
    "not_deterministic": "the model does not answer the same request twice the same",
}


@pytest.mark.parametrize(("model", "reason"), BATCHING.items(), ids=BATCHING.keys())
def test_a_model_whose_rows_are_not_its_own_is_built_with_batching_off(
    prove_ours: Prove, model: str, reason: str
) -> None:
    """Proven all the same; the record and the log say why."""
    proof = prove_ours(model)
    found = proof.record["capabilities"]["batching"]

    assert (0, "proven", False) == (proof.code, proof.record["status"], found["allowed"])
    assert found["reason"].startswith(reason)
    assert f"batching off: {reason}" in proof.output


def test_without_an_example_nothing_is_found_out(prove_ours: Prove) -> None:
    """The model is started, and no more is claimed."""
    proof = prove_ours("no_example")

    assert (0, "loaded", {}) == (proof.code, proof.record["status"], proof.record["capabilities"])


def test_a_model_that_must_not_be_forked_is_loaded_by_each_worker(prove_ours: Prove) -> None:
    """It runs a thread, which a fork leaves behind; the proof starts once more without preload."""
    proof = prove_ours("runs_a_thread")
    capabilities = proof.record["capabilities"]

    assert (0, "proven") == (proof.code, proof.record["status"])
    assert not capabilities["preload"]["allowed"]
    assert "runs threads" in capabilities["preload"]["reason"]
    assert capabilities["batching"]["allowed"]


def test_preload_that_is_demanded_and_impossible_stops_the_build(prove_ours: Prove) -> None:
    """WORKER_PRELOAD=true for a model that must not be forked."""
    proof = prove_ours("runs_a_thread", WORKER_PRELOAD="true")

    assert 2 == proof.code
    assert "The model cannot be preloaded: the loaded model runs threads" in proof.told
    assert "Leave WORKER_PRELOAD out" in proof.told


def test_without_an_example_preload_is_as_demanded(prove_ours: Prove) -> None:
    """WORKER_PRELOAD=true starts the model so, and no more is claimed."""
    proof = prove_ours("no_example", WORKER_PRELOAD="true")

    assert (0, "loaded", {}) == (proof.code, proof.record["status"], proof.record["capabilities"])


def test_preload_that_is_forbidden_is_not_tried(prove_ours: Prove) -> None:
    """WORKER_PRELOAD=false needs no proof, and the record claims none."""
    proof = prove_ours("iris", WORKER_PRELOAD="false")

    assert (0, {"batching"}) == (proof.code, set(proof.record["capabilities"]))


REFUSED = {
    "example_fails": ("fails on its own input example, serving_input_example.json", "no such table: customers"),
    "wrong_output_signature": ("output signature says: row 1, column 'species' is 0", "infer_signature"),
    "killed_while_loading": ("ended before they were ready", "want of memory"),
}


@pytest.mark.parametrize(
    ("model", "message", "evidence"), [(name, *case) for name, case in REFUSED.items()], ids=REFUSED
)
def test_a_wrong_model_is_refused_with_the_cause(prove_ours: Prove, model: str, message: str, evidence: str) -> None:
    """As on the other server."""
    proof = prove_ours(model)

    assert 2 == proof.code
    assert message in proof.told
    assert evidence in proof.told


def test_a_model_that_fails_is_asked_no_more_than_needed(prove_ours: Prove, tmp_path: Path) -> None:
    """Its log stays short: the worker asked once, and the score."""
    prove_ours("example_fails", "require", "--log", str(tmp_path / "log"))

    assert 2 == (tmp_path / "log").read_text().count("RuntimeError: no such table: customers")


def test_a_model_that_cannot_be_loaded_ends_the_services_with_the_traceback(prove_ours: Prove) -> None:
    """The entry script's exception is the evidence."""
    proof = prove_ours("cannot_be_loaded")

    assert 2 == proof.code
    assert "The services ended before they were ready (exit code 3)." in proof.told
    assert "RuntimeError: no such file: weights.bin" in proof.told
