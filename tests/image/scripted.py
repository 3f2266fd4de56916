"""Containers whose entry script does what each request says (tests/image/entry_script.py)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.image.running import Answer, Running, ask, wait_until

Start = Callable[..., Running]

ENTRY_SCRIPT = Path(__file__).with_name("entry_script.py").read_text(encoding="utf-8")
FILES = {"/var/mlflow_resources/score.py": ENTRY_SCRIPT}
ENVIRONMENT = {"AZUREML_ENTRY_SCRIPT": "score.py"}

PROCESSES = {
    "runner": "pgrep -o -f [p]uncheon_runner",
    "model worker": "pgrep -P $(pgrep -o -f [p]uncheon_runner)",
    "gunicorn master": "pgrep -o -f -- '-m [g]unicorn'",
    "gunicorn worker": "pgrep -P $(pgrep -o -f -- '-m [g]unicorn')",
    "azmlinfsrv master": "pgrep -o -f userenv/bin/[a]zmlinfsrv",
    "azmlinfsrv worker": "pgrep -P $(pgrep -o -f userenv/bin/[a]zmlinfsrv)",
    "nginx master": "pgrep -o -f '[n]ginx: master'",
    "nginx worker": "pgrep -f '[n]ginx: worker'",
    "rsyslogd": "pgrep rsyslogd",
}
"""Shell commands that give the process ids of each kind; the brackets keep a shell from finding itself."""


def start_scripted(start: Start, image: str, environment: dict[str, str] | None = None, **options: Any) -> Running:
    """Start the image with the script of these tests."""
    return start(image, files=FILES, environment={**ENVIRONMENT, **(environment or {})}, **options)


def score(running: Running, port: int = 5000, **request: Any) -> Answer:
    """Send one request and wait for its answer."""
    return ask(running.url("/score", port), json.dumps(request))


class Later:
    """A request in flight."""

    def __init__(self, running: Running, port: int = 5000, **request: Any) -> None:
        self.answer = Answer(0, "no answer yet")
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._send, args=(running.url("/score", port), json.dumps(request)))
        self._thread.start()

    def _send(self, url: str, body: str) -> None:
        began = time.monotonic()
        self.answer = ask(url, body)
        self.seconds = time.monotonic() - began

    def join(self) -> Answer:
        """Wait for the answer."""
        self._thread.join()
        return self.answer


def calls(running: Running) -> list[list[int]]:
    """Return the names of the requests of each call that the script has seen."""
    output = running.container.exec_run(["cat", "/tmp/scored"])
    return [json.loads(line) for line in output.output.decode().splitlines()] if output.exit_code == 0 else []


def wait_scoring(running: Running, n: int) -> None:
    """Wait until the script has begun with a request."""
    wait_until(lambda: any(n in names for names in calls(running)), what=f"the call for request {n}")


def connections(running: Running) -> int:
    """Return how many connections gunicorn has."""
    return running.execute("awk", '$4 == "01" && $2 ~ /:7A4F$/', "/proc/net/tcp").count("\n")


def pids(running: Running, kind: str) -> list[int]:
    """Return the ids of the processes of a kind (see PROCESSES) that there are now."""
    output = running.container.exec_run(["sh", "-c", PROCESSES[kind]]).output
    return [int(word) for word in output.split() if word.isdigit()]


def send_signal(running: Running, signal: str, pid: int) -> None:
    """Send a signal to one process of the container."""
    running.execute("kill", f"-{signal}", str(pid))


def said(answer: Answer) -> Any:
    """Return the parsed body of an answer."""
    return json.loads(answer.text)
