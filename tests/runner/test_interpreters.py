"""The runner on every Python that a model's environment may have."""

from __future__ import annotations

import json
import marshal
import subprocess
from pathlib import Path

import pytest

from puncheon_runner.protocol import PARSED, Request
from tests.runner.running import SCRIPTS, run
from tests.serving import find_python

VERSIONS = ("3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
ASK = "import sys; print('{}.{}'.format(*sys.version_info), end='')"


@pytest.mark.parametrize("preload", ["true", "false"], ids=["preloaded", "loaded by each worker"])
@pytest.mark.parametrize("version", VERSIONS)
def test_it_loads_answers_replaces_and_stops(tmp_path: Path, version: str, preload: str) -> None:
    """Shared calls, refusals, failures, a hang and the end."""
    python = find_python(version)
    found = subprocess.run([python, "-c", ASK], capture_output=True, text=True, check=True).stdout
    if found != version:
        pytest.skip(f"this machine has no Python {version}: neither python{version} on PATH nor one of pyenv's")

    with run(
        SCRIPTS / "faulty.py", tmp_path, python, BATCHING="on", WORKER_PRELOAD=preload, WORKER_COUNT="2"
    ) as runner:
        pid = runner.until_ready()["workers"][0]["pid"]
        assert version == runner.value({"do": "describe"})["python"]

        answers = runner.send(
            {"do": "answer", "value": 1}, {"do": "refuse"}, {"do": "raise"}, b"{bad", {"do": "answer", "value": [None]}
        )
        assert [(200, 1), 422, 500, 500, (200, [None])] == [
            answers[place] if place in (0, 4) else answers[place][0] for place in range(5)
        ]
        assert "no such customer" in runner.log

        values: list[object] = ["ü", 2**62, -0.5, [None], {"a": [True]}]
        parsed = [Request(b"", marshal.dumps({"do": "answer", "value": value}, 2), PARSED) for value in values]
        (message,) = runner.exchange(parsed)
        assert values == [json.loads(answer.body) for answer in message]

        assert {} == runner.send({"do": "loop"}, limit_s=0.3)
        state = runner.until(lambda state: state["workers"][0]["ready"] and state["workers"][0]["pid"] != pid)
        assert "timeout" == state["workers"][0]["last_death"]["why"]
        assert "in _loop" in runner.log

        assert -15 == runner.value({"do": "end a child"})
        assert 0 == runner.stop()
        assert [] == runner.processes()
        assert [] == list(tmp_path.glob("*.sock"))
