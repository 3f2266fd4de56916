"""What a proof reads beside the model: versions, the environment's report, the container's memory; how it records."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from puncheon.environment.report import REPORT
from puncheon.errors import ProofError
from puncheon.model_folder import ModelFolder
from puncheon.proof import memory
from puncheon.proof.plan import Plan, services_environment
from puncheon.proof.record import Record, read_record, write_record
from puncheon.proof.versions import relevant_versions, report_warnings, version_warnings


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """An environment with a scikit-learn, as its installers record it."""
    for name, version in {"scikit_learn": "1.5.0", "mlflow": "2.16.0"}.items():
        record = tmp_path / f"env/lib/python3.11/site-packages/{name}-{version}.dist-info/METADATA"
        record.parent.mkdir(parents=True)
        record.write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n")
    return tmp_path / "env"


@pytest.fixture
def sklearn_model(tmp_path: Path) -> ModelFolder:
    """A model that was saved with another scikit-learn."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "MLmodel").write_text(
        "flavors:\n  python_function: {loader_module: mlflow.sklearn}\n  sklearn: {sklearn_version: 1.4.2}\n"
    )
    return ModelFolder.read(folder)


def test_versions_come_from_the_installed_records(prefix: Path, sklearn_model: ModelFolder) -> None:
    """The flavor's library under its package's name."""
    versions = relevant_versions(prefix, sklearn_model, "azmlinfsrv")

    assert {"python": "", "mlflow": "2.16.0", "scikit-learn": "1.5.0"} == versions


def test_another_version_than_the_training_had_is_a_warning(prefix: Path, sklearn_model: ModelFolder) -> None:
    """It may load and answer otherwise."""
    warnings = version_warnings(prefix, sklearn_model)

    assert ["the model was saved with scikit-learn 1.4.2 and is served with scikit-learn 1.5.0"] == warnings


@pytest.mark.parametrize(
    ("text", "expected"),
    [('{"warnings": ["Python 3.11.7 is not there"]}', ["Python 3.11.7 is not there"]), ("{}", []), ("bad", [])],
    ids=["warnings", "none", "no JSON"],
)
def test_the_environments_warnings_are_passed_on(prefix: Path, text: str, expected: list[str]) -> None:
    """Those of its build, a Python patch that was replaced for instance."""
    (prefix / REPORT).parent.mkdir(parents=True)
    (prefix / REPORT).write_text(text)

    assert expected == report_warnings(prefix)


LIMITS: dict[str, tuple[dict[str, str], int | None, int]] = {
    "cgroup v2": ({"memory.max": "67108864\n", "memory.events": "low 0\noom 4\noom_kill 3\n"}, 67108864, 3),
    "cgroup v2, no limit": ({"memory.max": "max\n", "memory.events": "oom_kill 0\n"}, None, 0),
    "cgroup v1": (
        {"memory/memory.limit_in_bytes": "67108864\n", "memory/memory.oom_control": "under_oom 0\noom_kill 2\n"},
        67108864,
        2,
    ),
    "cgroup v1, no limit": ({"memory/memory.limit_in_bytes": "9223372036854771712\n"}, None, 0),
    "no cgroup": ({}, None, 0),
}


@pytest.mark.parametrize(("files", "limit", "kills"), LIMITS.values(), ids=LIMITS.keys())
def test_the_containers_memory_is_read(tmp_path: Path, files: dict[str, str], limit: int | None, kills: int) -> None:
    """From either kind of cgroup."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    assert (limit, kills) == (memory.limit_bytes(tmp_path), memory.kills(tmp_path))


def test_services_see_the_images_environment_and_not_the_kits() -> None:
    """PYTHONPATH is ours; LD_LIBRARY_PATH was taken from us and is theirs."""
    environ = {"PYTHONPATH": "/opt/puncheon", "AZUREML_CONDA_ENVIRONMENT_PATH": "/envs/userenv", "HOME": "/"}

    assert {
        "AZUREML_CONDA_ENVIRONMENT_PATH": "/envs/userenv",
        "HOME": "/",
        "LD_LIBRARY_PATH": "/envs/userenv/lib:",
    } == services_environment(environ)


@pytest.mark.parametrize(
    ("ask", "what"),
    [(Plan.model_state, "service"), (lambda plan: plan.ask_worker([b"{}"]), "worker")],
    ids=["service", "worker"],
)
def test_a_model_service_that_is_gone_is_an_error_and_no_traceback(
    tmp_path: Path, ask: Callable[[Plan], Any], what: str
) -> None:
    """It may end while it is asked."""
    plan = Plan(
        mode="require",
        command=[],
        environment={},
        gunicorn_port=1,
        nginx_port=2,
        model_dir=tmp_path,
        model_folder="",
        prefix=tmp_path,
        server="puncheon",
        limit_s=1.0,
        stop_s=1.0,
        log=tmp_path / "log",
        model_socket=tmp_path / "model.sock",
    )

    with pytest.raises(ProofError, match=f"The model's {what} cannot be reached any more: No such file or directory"):
        ask(plan)


def test_a_record_is_written_as_a_whole_and_read_again(tmp_path: Path) -> None:
    """Nothing else is left in the folder."""
    path = tmp_path / "proof.json"
    path.write_text("old")

    write_record(Record("off", "2026-01-01T00:00:00Z", "0.1.0", "not started"), path)

    assert "not started" == read_record(path)["status"]
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [{"schema": 2}, [], {}], ids=repr)
def test_a_record_of_another_schema_is_refused(tmp_path: Path, content: Any) -> None:
    """Rather than read wrongly."""
    (tmp_path / "proof.json").write_text(json.dumps(content))

    with pytest.raises(ProofError, match="not of schema 1"):
        read_record(tmp_path / "proof.json")
