"""Proofs of real models by the real server: what passes, what is refused, what is recorded."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from puncheon.proof.cause import MEMORY_HINT
from tests.serving import make_environment

Prove = Callable[..., Any]
SCREEN_LINES = 24


def test_a_right_model_is_proven(prove: Prove, saved_models: dict[str, Path]) -> None:
    """Scored on both ports, checked against signature and output example; the record holds digests and no data."""
    proof = prove("with_output_example")
    record = proof.record
    body = (saved_models["with_output_example"] / "serving_input_example.json").read_bytes()

    assert (0, "") == (proof.code, proof.errors)
    assert ("proven", 1, "require") == (record["status"], record["schema"], record["mode"])
    assert {
        "file": "serving_input_example.json",
        "sha256": hashlib.sha256(body).hexdigest(),
        "bytes": len(body),
        "rows": 2,
    } == record["example"]
    assert ("list of 2 integers", 2) == (record["answer"]["form"], record["answer"]["rows"])
    assert hashlib.sha256(b"[0, 0]").hexdigest() == record["answer"]["sha256"]
    assert ["ready", "score", "score", "score", "output signature", "output example", "both ports", "stop"] == [
        re.split(r" on | answer", check["name"])[0] for check in record["checks"]
    ]
    assert all(check["passed"] for check in record["checks"])
    assert {"ready_s", "first_answer_ms", "second_answer_ms", "stop_s"} == set(record["times"])
    assert {"python", "mlflow-skinny", "scikit-learn", "azureml-inference-server-http"} <= set(record["versions"])
    assert record["server"] == {"name": "azmlinfsrv", "version": record["versions"]["azureml-inference-server-http"]}
    assert "sepal" not in proof.record_path.read_text()
    assert [] == record["warnings"]


REFUSED = {
    "example_fails": ("fails on its own input example, serving_input_example.json", "no such table: customers"),
    "wrong_output_signature": ("output signature says: row 1, column 'species' is 0", "infer_signature"),
    "wrong_output_example": ("output_example.json: the answer[1] is 0 (integer): expected 2", "output_example.json"),
}


@pytest.mark.parametrize(
    ("model", "message", "evidence"), [(name, *case) for name, case in REFUSED.items()], ids=REFUSED
)
def test_a_wrong_model_is_refused_on_one_screen(prove: Prove, model: str, message: str, evidence: str) -> None:
    """Exit code 2, the cause on stderr, no record."""
    proof = prove(model)
    told = " ".join(proof.errors.split())

    assert 2 == proof.code
    assert message in told
    assert evidence in told
    assert len(proof.errors.splitlines()) <= SCREEN_LINES
    assert not proof.record_path.exists()


def test_an_example_of_another_form_is_refused_with_what_was_expected(
    prove: Prove, saved_models: dict[str, Path], tmp_path: Path
) -> None:
    """The entry script's own message is the evidence."""
    model = tmp_path / "model"
    shutil.copytree(saved_models["iris"], model)
    (model / "serving_input_example.json").write_text('{"dataframe_split": {"columns": ["a"], "data": [[1]]}}')

    proof = prove(model)

    assert 2 == proof.code
    assert "refuses its own input example" in proof.errors
    assert "Missing: sepal length (cm)" in proof.errors


def test_a_module_that_conda_yaml_lacks_is_named(prove: Prove, saved_models: dict[str, Path], tmp_path: Path) -> None:
    """Saved with skops, served without it."""
    pins = (saved_models["needs_missing_module"] / "requirements.txt").read_text().split()
    environment = make_environment(tmp_path / "env", sys.executable, "azureml-inference-server-http", *pins)

    proof = prove("needs_missing_module", environment=environment)

    assert 2 == proof.code
    assert "skops is missing from conda.yaml: add skops to its pip requirements" in " ".join(proof.errors.split())


def test_a_model_that_is_killed_while_it_loads_lacks_memory(prove: Prove) -> None:
    """The hint speaks of memory, and the end comes with the crash limit, not with the time limit."""
    proof = prove("killed_while_loading", CRASH_LIMIT="1")

    assert 2 == proof.code
    assert MEMORY_HINT in " ".join(proof.errors.split())
    assert "ended before they were ready (exit code 5)" in " ".join(proof.errors.split())


def test_a_model_without_an_example_is_recorded_as_loaded(prove: Prove) -> None:
    """Built, with a warning that says how to log one."""
    proof = prove("no_example")

    assert (0, "loaded") == (proof.code, proof.record["status"])
    assert "warning: the model has no input example" in proof.output
    assert "input_example=" in proof.record["warnings"][0]


def test_a_model_that_answers_differently_each_time_is_only_noted(prove: Prove) -> None:
    """The ports cannot be compared then."""
    proof = prove("not_deterministic")

    assert (0, "proven") == (proof.code, proof.record["status"])
    assert "twice" in proof.record["warnings"][0]


def test_warn_records_the_failure_and_goes_on(prove: Prove) -> None:
    """Exit code 0, the cause printed, status failed."""
    proof = prove("example_fails", "warn")

    assert (0, "failed") == (proof.code, proof.record["status"])
    assert "no such table: customers" in proof.output
    assert "warning: the proof failed" in proof.output
    assert not proof.record["checks"][-1]["passed"]


def test_load_starts_and_does_not_score(prove: Prove) -> None:
    """A model whose example would fail here is built."""
    proof = prove("example_fails", "load")

    assert (0, "loaded", None) == (proof.code, proof.record["status"], proof.record["answer"])


def test_off_starts_nothing(prove: Prove) -> None:
    """Only the record says so."""
    proof = prove("killed_while_loading", "off")

    assert (0, "not started", []) == (proof.code, proof.record["status"], proof.record["checks"])


def test_services_that_do_not_become_ready_are_given_up(prove: Prove) -> None:
    """The limit is in the message, with the setting that raises it."""
    proof = prove("iris", "require", "--timeout", "0.5")

    assert 2 == proof.code
    assert "not ready within 0.5 s" in proof.errors
    assert "PROOF_TIMEOUT" in proof.errors


def test_services_that_end_with_a_failure_are_told(prove: Prove) -> None:
    """Stopping is a part of the contract: exit code 0."""
    proof = prove("iris", wrapped=lambda start: f"bash -c 'trap \"kill \\$!; wait; exit 7\" TERM; {start} & wait'")

    assert 2 == proof.code
    assert "do not stop as they should: exit code 7" in proof.errors


def test_services_that_cannot_be_started_are_told(prove: Prove) -> None:
    """The command is named."""
    proof = prove("iris", wrapped=lambda start: "/no/such/runsvdir")

    assert 2 == proof.code
    assert "/no/such/runsvdir" in proof.errors


BAD = {
    "mode": ({"PROOF": "skip"}, "PROOF='skip' is not one of"),
    "timeout": ({"PROOF_TIMEOUT": "soon"}, "PROOF_TIMEOUT='soon'"),
    "model": ({"MLFLOW_MODEL_FOLDER": "nothing"}, "nothing"),
}


@pytest.mark.parametrize(("variables", "message"), BAD.values(), ids=BAD.keys())
def test_impossible_settings_are_told_before_anything_starts(
    prove: Prove, variables: dict[str, str], message: str
) -> None:
    """One screen, no record."""
    proof = prove("iris", wrapped=lambda start: "/bin/false", **variables)

    assert 2 == proof.code
    assert message in proof.errors
    assert not proof.record_path.exists()


def test_the_record_can_be_shown(prove: Prove, tmp_path: Path) -> None:
    """For people and as it is."""
    prove("iris", "off")

    shown = prove("iris", "off", "--show")
    raw = prove("iris", "off", "--show", "--json")

    assert shown.output.startswith("proof      not started (PROOF=off)")
    assert "not started" == json.loads(raw.output)["status"]


def test_a_record_that_is_not_there_is_told(prove: Prove) -> None:
    """With what makes one."""
    proof = prove("iris", "off", "--show")

    assert 2 == proof.code
    assert "There is no proof here" in proof.errors


def test_a_record_that_cannot_be_written_is_told_first(prove: Prove) -> None:
    """Before minutes of proving."""
    proof = prove("iris", "require", "--output", "/no/such/folder/proof.json")

    assert 2 == proof.code
    assert "cannot be written" in proof.errors
    assert "ready" not in proof.output
