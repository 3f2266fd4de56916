"""Images with an entry script of one's own: built, proven by the example beside it, asked, and typed in a shell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from tests.image.running import KIT, Running, ask, build, built, wait_until

SCRIPT = KIT / "tests/data/entry_scripts/standard_schema.py"
TAG = "puncheon-test/entry-script:latest"
CHOSEN = ("--build-arg", "ENTRY_SCRIPT=scoring code/score.py")
MORE = "import logging\nimport beside\n"
LOGS = "    logging.getLogger('mine').info('asked for %s', name)\n"


@pytest.fixture(scope="module")
def scripted(repository: Path) -> Path:
    """The parent repository with a script, a module that it imports, an example and a description beside it."""
    folder = repository / "scoring code"
    folder.mkdir()
    head, run, body = SCRIPT.read_text().partition("def run(name, count=1, options=None):\n")
    assert run
    (folder / "score.py").write_text(MORE + head + run + LOGS + body)
    (folder / "beside.py").touch()
    (folder / "input_example.json").write_text('{"name": "a"}')
    (folder / "swagger3.1.json").write_text('{"openapi": "3.1.0", "info": {"title": "mine", "version": "1"}}')
    return repository


@pytest.fixture(scope="module")
def served(engine: docker.DockerClient, scripted: Path) -> Iterator[Running]:
    """The image's container, for tests that only look."""
    built(scripted, "./artifacts/iris_model", TAG, *CHOSEN)
    variables = {"AML_CORS_ORIGINS": "https://one.example", "MAX_BODY_MB": "1"}
    running = Running(engine.containers.run(TAG, detach=True, environment=variables))
    running.wait_ready()
    yield running
    running.container.remove(force=True, v=True)


def test_it_is_proven_by_its_own_example(served: Running) -> None:
    """The record names what the model's environment lacks and the image has lent."""
    record = json.loads(served.execute("cat", "/var/azureml-app/proof.json"))

    assert ("proven", "input_example.json") == (record["status"], record["example"]["file"])
    assert {"inference_schema", "wrapt"} <= set(record["fallback"])
    assert any("(inference_schema, " in warning for warning in record["warnings"])


@pytest.mark.parametrize("port", [5000, 31311])
def test_it_answers_as_the_script_says(served: Running, port: int) -> None:
    """On both ports; a value that does not fit is the client's mistake."""
    right = ask(served.url("/score", port), '{"name": "x", "count": 2}')
    wrong = ask(served.url("/score", port), '{"name": 1}')

    assert (200, ["x", "x"]) == (right.status, json.loads(right.text))
    assert (400, "The value of 'name' does not fit: expected a text, for example \"abc\".") == (
        wrong.status,
        json.loads(wrong.text)["message"],
    )


def test_its_lines_are_in_the_log_with_the_requests_id(served: Running) -> None:
    """Of this script, and of this request."""
    ask(served.url("/score"), '{"name": "logged"}', x_request_id="mine")

    wait_until(lambda: "request mine: INFO mine: asked for logged" in served.log(), what="the line in the log")


def test_it_is_described_by_its_schemas_and_its_file(served: Running) -> None:
    """The file wins for its version."""
    by_schema = json.loads(ask(served.url("/swagger.json?version=3")).text)
    by_file = json.loads(ask(served.url("/swagger.json?version=3.1")).text)

    assert {"name", "count", "options"} == set(by_schema["components"]["schemas"]["ServiceInput"]["properties"])
    assert "mine" == by_file["info"]["title"]


ANSWERS = {
    "a score": ("/score", b'{"name": "a"}', 200),
    "the probe": ("/", None, 200),
    "nothing there": ("/nothing", None, 404),
    "too large, nginx's own": ("/score", b"x" * (1 << 20 | 1), 413),
}


@pytest.mark.parametrize(("path", "body", "status"), ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize(("origin", "let_in"), [("https://one.example", True), ("https://two.example", False)])
def test_pages_of_an_origin_that_is_let_in_may_read_every_answer(
    served: Running, path: str, body: bytes | None, status: int, origin: str, let_in: bool
) -> None:
    """And those of others none."""
    answer = ask(served.url(path), body, origin=origin, x_request_id="mine")
    headers = {name.lower(): value for name, value in answer.headers.items()}

    assert (status, "mine") == (answer.status, headers["x-request-id"])
    assert (origin if let_in else None) == headers.get("access-control-allow-origin")


def test_the_shells_azmlinfsrv_is_ours(served: Running) -> None:
    """Another port, another script, while the services run."""
    served.execute("sh", "-c", "echo 'def init(): pass\ndef run(data): return data[::-1]' > /tmp/turned.py")
    served.container.exec_run(["azmlinfsrv", "--entry_script", "/tmp/turned.py", "--port", "5555"], detach=True)

    wait_until(lambda: ask(served.url("/", 5555), timeout_s=2).status == 200, what="readiness")
    assert '"cba"' == ask(served.url("/score", 5555), "abc").text
    assert '["a"]' == ask(served.url("/score"), '{"name": "a"}').text

    served.execute("sh", "-c", "kill -s TERM $(pgrep -o -f 'azmlinfsrv --entry_script')")
    wait_until(lambda: not served.execute("sh", "-c", "ls -d /tmp/puncheon-azmlinfsrv.* || true").startswith("/tmp"))


def test_an_example_that_the_script_refuses_fails_the_build(scripted: Path) -> None:
    """As the model's own would."""
    example = scripted / "scoring code/input_example.json"
    right = example.read_text()
    example.write_text('{"name": 1}')
    try:
        done = build(scripted, "./artifacts/iris_model", f"{TAG}-refused", *CHOSEN)
    finally:
        example.write_text(right)

    assert done.returncode != 0
    assert "The value of 'name' does not fit" in done.stdout


def test_without_an_example_it_is_only_started(scripted: Path, start: Callable[..., Running]) -> None:
    """The record says so, and what to save where; the classic builder builds it, too."""
    shutil.copytree(scripted / "scoring code", scripted / "other", ignore=shutil.ignore_patterns("*.json"))
    chosen = ("--build-arg", "ENTRY_SCRIPT=other/score.py")
    built(scripted, "./artifacts/iris_model", f"{TAG}-loaded", *chosen, buildkit=False)

    running = start(f"{TAG}-loaded", "sleep", "60")
    record = json.loads(running.execute("cat", "/var/azureml-app/proof.json"))

    assert "loaded" == record["status"]
    assert any("no input_example.json lies beside the entry script" in warning for warning in record["warnings"])
