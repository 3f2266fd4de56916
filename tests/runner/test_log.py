"""What a script prints, logs and warns of, in the runner's log."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from puncheon_runner import log, unused
from puncheon_runner.protocol import Request
from tests.runner.running import run, write_script


@pytest.fixture
def stream() -> Iterator[tuple[log.TaggedStream, io.BytesIO]]:
    """A tagged stream and what has been written to it."""
    written = io.BytesIO()
    yield log.TaggedStream(io.TextIOWrapper(written, encoding="utf-8")), written
    log.scoring((), ())


TEXTS = {
    "a line": (["a\n"], "request A: a\n"),
    "lines": (["a\nb\n"], "request A: a\nrequest A: b\n"),
    "a line in parts": (["a", "b", "\n"], "request A: ab\n"),
    "an empty line": (["\n", "a\n"], "\nrequest A: a\n"),
    "no end": (["a"], "request A: a"),
    "nothing": ([""], ""),
    "what cannot be encoded": (["\ud800\n"], "request A: \\ud800\n"),
}


@pytest.mark.parametrize(("texts", "expected"), TEXTS.values(), ids=TEXTS.keys())
def test_each_line_begins_with_its_request(
    stream: tuple[log.TaggedStream, io.BytesIO], texts: list[str], expected: str
) -> None:
    """However it is written."""
    tagged, written = stream
    log.scoring([Request(b"A", b"")], [0])

    assert [len(text) for text in texts] == [tagged.write(text) for text in texts]
    tagged.flush()

    assert expected == written.getvalue().decode()


REQUESTS = [Request(b"A", b""), Request(b"B", b""), Request(b"\xff", b"")]
TAGS = {
    "none": ([], ""),
    "one": ([1], "request B: "),
    "several": ([0, 1], "2 requests: "),
    "no ASCII": ([2], "request \ufffd: "),
}


@pytest.mark.parametrize(("indexes", "expected"), TAGS.values(), ids=TAGS.keys())
def test_what_is_shared_is_no_ones_own(indexes: list[int], expected: str) -> None:
    """A shared call has its number of requests in place of an id."""
    log.scoring(REQUESTS, indexes)
    try:
        assert expected == log.tag()
    finally:
        log.scoring((), ())


SCRIPT = [
    "import logging, sys, warnings",
    "logger = logging.getLogger('mine')",
    "def init():",
    "    print('loading')",
    "def run(data):",
    "    print('printed')",
    "    sys.stderr.write('written\\n')",
    "    logger.info('informed')",
    "    logger.debug('debugged')",
    "    warnings.warn('warned')",
    "    if data == 'raise': raise ValueError('failed')",
]


def test_all_that_a_script_says_is_in_the_log_with_its_requests_id(tmp_path: Path) -> None:
    """Prints, logging from INFO on, warnings and tracebacks; what it says while it loads has none."""
    with run(write_script(tmp_path, *SCRIPT), tmp_path) as runner:
        runner.until_ready()
        runner.ask(id="A")
        runner.ask(b"raise", id="B")
        runner.stop()

    lines = runner.log.splitlines()
    assert {
        "loading", "request A: printed", "request A: written", "request A: INFO mine: informed",
        "request B: printed", "puncheon: request B: the entry script failed", "ValueError: failed",
    } <= set(lines)  # fmt: skip
    assert any(line.startswith("request A: ") and line.endswith("UserWarning: warned") for line in lines)
    assert "debugged" not in runner.log


def test_a_traceback_begins_at_the_script(tmp_path: Path) -> None:
    """How the runner came there tells its author nothing."""
    with run(write_script(tmp_path, *SCRIPT), tmp_path) as runner:
        runner.until_ready()
        runner.ask(b"raise")
        runner.stop()

    frames = [line for line in runner.log.splitlines() if line.startswith("  File ")]
    assert [f'  File "{tmp_path}/main.py", line {len(SCRIPT)}, in run'] == frames


LEVELS = {"DEBUG": (True, True), "warning": (False, False), "nonsense": (True, False)}


@pytest.mark.parametrize(("level", "expected"), LEVELS.items(), ids=LEVELS.keys())
def test_the_level_can_be_chosen(tmp_path: Path, level: str, expected: tuple[bool, bool]) -> None:
    """AZUREML_LOG_LEVEL; INFO where it is none."""
    with run(write_script(tmp_path, *SCRIPT), tmp_path, AZUREML_LOG_LEVEL=level) as runner:
        runner.until_ready()
        runner.ask()
        runner.stop()

    assert expected == ("informed" in runner.log, "debugged" in runner.log)


CONFIGURATION = {
    "version": 1,
    "formatters": {
        "mine": {"class": "azureml_inference_server_http.log_config.AMLLogFormatter", "format": "MINE %(message)s"}
    },
    "handlers": {"mine": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "mine"}},
    "loggers": {"mine": {"level": "DEBUG", "handlers": ["mine"]}},
    "disable_existing_loggers": False,
}


def test_logging_json_is_applied(tmp_path: Path) -> None:
    """Its lines have their request's id as well; classes of the reference's own file are there."""
    (tmp_path / "logging.json").write_text(json.dumps(CONFIGURATION))

    with run(write_script(tmp_path, *SCRIPT), tmp_path) as runner:
        runner.until_ready()
        runner.ask(id="A")
        runner.stop()

    assert {"request A: MINE informed", "request A: MINE debugged"} <= set(runner.log.splitlines())


@pytest.mark.parametrize("text", ["{bad", "[]", '{"version": 9}'], ids=repr)
def test_logging_json_that_cannot_be_applied_ends_the_start(tmp_path: Path, text: str) -> None:
    """With the file's name, and the exit code of a model that cannot be loaded."""
    (tmp_path / "logging.json").write_text(text)

    with run(write_script(tmp_path, *SCRIPT), tmp_path, WORKER_PRELOAD="true") as runner:
        assert 3 == runner.wait()

    assert f"{tmp_path}/logging.json cannot be applied: " in runner.log


UNUSED = {
    "none": ({}, ""),
    "switched off": ({"AML_APP_INSIGHTS_ENABLED": "false", "WORKSPACE_NAME": ""}, ""),
    "two": (
        {"AZUREML_DEBUG_PORT": "5678", "AML_APP_INSIGHTS_ENABLED": "True"},
        "puncheon: no effect here: AML_APP_INSIGHTS_ENABLED, AZUREML_DEBUG_PORT (docs/differences.md)",
    ),
}


@pytest.mark.parametrize(("environ", "expected"), UNUSED.values(), ids=UNUSED.keys())
def test_a_variable_without_effect_is_named(environ: dict[str, str], expected: str) -> None:
    """Where somebody has set it."""
    assert expected == unused.notice(environ)


def test_standard_streams_stay_what_they_are() -> None:
    """Importing the module changes nothing."""
    assert not isinstance(sys.stdout, log.TaggedStream)
