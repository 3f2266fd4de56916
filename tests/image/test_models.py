"""Other models: what the proof accepts, warns about and refuses, in real builds."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from tests import models
from tests.image.running import Running, ask, build, built


def add_model(repository: Path, name: str) -> str:
    """Train a model of tests/models.py into the parent repository; return its ARTIFACT_PATH."""
    folder = repository / "artifacts" / name
    if not folder.exists():
        getattr(models, name)(folder)
    return f"./artifacts/{name}"


def record(running: Running) -> dict[str, object]:
    return dict(json.loads(running.execute("cat", "/var/azureml-app/proof.json")))


def test_the_proof_is_in_the_image(service: Running) -> None:
    """The record says what was scored, by which versions, in which time, and holds no answer."""
    proof = record(service)

    assert {"proven"} == {proof["status"]}
    assert proof["example"]["sha256"]  # type: ignore[index]
    assert {"preload": True, "batching": True} == {
        name: found["allowed"]
        for name, found in proof["capabilities"].items()  # type: ignore[attr-defined]
    }


REFUSED = {
    "example_fails": "example",
    "wrong_output_signature": "signature",
    "needs_missing_module": "conda.yaml",
}


@pytest.mark.parametrize(("name", "message"), REFUSED.items(), ids=REFUSED.keys())
def test_a_model_that_fails_its_proof_gives_no_image(repository: Path, name: str, message: str) -> None:
    """The build stops with the cause on one screen."""
    tag = f"puncheon-test/{name}:latest".lower()

    done = build(repository, add_model(repository, name), tag)

    assert 0 != done.returncode
    assert message in "\n".join(done.stdout.splitlines()[-30:]), done.stdout[-3000:]
    assert not docker.from_env().images.list(name=tag)


def test_proof_warn_builds_a_failing_model_and_records_it(repository: Path, start: Callable[..., Running]) -> None:
    """PROOF=warn: the image is there, its record says that it failed."""
    tag = "puncheon-test/warned:latest"
    log = built(repository, add_model(repository, "example_fails"), tag, "--build-arg", "PROOF=warn")

    running = start(tag)
    running.wait_ready()

    assert "warning" in log.lower()
    assert "failed" == record(running)["status"]


def test_a_model_whose_answers_depend_on_neighbours_shares_no_predict(
    repository: Path, start: Callable[..., Running]
) -> None:
    """The build finds it out and says so, and so does every start; together each request is answered as alone."""
    tag = "puncheon-test/neighbours:latest"
    log = built(repository, add_model(repository, "depends_on_neighbours"), tag)
    running = start(tag)
    running.wait_ready()

    answers: list[str] = []
    bodies = [json.dumps({"input_data": {"columns": ["x"], "data": [[1.0], [2.0 + n]]}}) for n in range(16)]
    threads = [
        threading.Thread(target=lambda body=body: answers.append(ask(running.url("/score"), body).text))
        for body in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert "batching off: an answer depends on its neighbours" in log
    assert "batching off: an answer depends on its neighbours" in running.log().splitlines()[0]
    assert sorted([-(n + 1) / 2, (n + 1) / 2] for n in range(16)) == sorted(json.loads(text) for text in answers)


def test_a_model_without_an_example_is_built_with_a_warning(repository: Path) -> None:
    """The warning says how to log one."""
    log = built(repository, add_model(repository, "no_example"), "puncheon-test/no_example:latest")

    assert "input_example=" in log


def test_an_activation_script_reaches_model_and_shells(
    repository: Path, tmp_path: Path, start: Callable[..., Running]
) -> None:
    """What userenv's activate.d exports is there for the model, login and interactive shells."""
    running = start(
        built_image(repository),
        files={"/opt/miniconda/envs/userenv/etc/conda/activate.d/flag.sh": "export PUNCHEON_FLAG=seen\n"},
    )
    running.wait_ready()
    pid = running.execute("pgrep", "-o", "-f", "puncheon_runner").split()[0]

    server = running.execute("sh", "-c", f"tr '\\0' '\\n' < /proc/{pid}/environ | grep FLAG")
    login = running.execute("bash", "-lc", "echo $PUNCHEON_FLAG")
    interactive = running.execute("bash", "-ic", "echo $PUNCHEON_FLAG")

    assert ("PUNCHEON_FLAG=seen", "seen", "seen") == tuple(
        text.strip().splitlines()[-1] for text in (server, login, interactive)
    )


def built_image(repository: Path) -> str:
    tag = "puncheon-test/azx_mlflow:latest"
    built(repository, "./artifacts/iris_model", tag)
    return tag


def test_a_model_with_an_output_example_is_compared_with_it(repository: Path, start: Callable[..., Running]) -> None:
    """The logged output is what the image must answer."""
    path = add_model(repository, "with_output_example")
    tag = "puncheon-test/output:latest"
    built(repository, path, tag)

    running = start(tag)
    running.wait_ready()
    body = (repository / path / "serving_input_example.json").read_bytes()

    assert json.loads((repository / path / "output_example.json").read_text()) == json.loads(
        ask(running.url("/score"), body).text
    )
