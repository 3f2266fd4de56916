"""Stop, kill, starve, lock down: what the container does when something goes wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import pytest

from tests.image.running import Answer, Running, ask, wait_until

Start = Callable[..., Running]
ENTRY_SCRIPT = "/var/mlflow_resources/score.py"
SLEEPER = """
import json, os, time

def init():
    if os.environ.get("FAIL"):
        raise RuntimeError("no such weights")
    if os.environ.get("HOG_MB"):
        bytearray(int(os.environ["HOG_MB"]) << 20)

def run(data):
    seconds = json.loads(data).get("sleep", 0)
    time.sleep(seconds)
    return seconds
"""


def start_sleeper(start: Start, image: str, **options: object) -> Running:
    """Start the image with an entry script that sleeps for as long as it is told."""
    environment = {"AZUREML_ENTRY_SCRIPT": "score.py", **options.pop("environment", {})}  # type: ignore[dict-item]
    return start(image, files={ENTRY_SCRIPT: SLEEPER}, environment=environment, **options)


class Later:
    """A request in flight."""

    def __init__(self, running: Running, body: str, port: int = 5000) -> None:
        self.answer: Answer | None = None
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._send, args=(running.url("/score", port), body))
        self._thread.start()

    def _send(self, url: str, body: str) -> None:
        began = time.monotonic()
        self.answer = ask(url, body)
        self.seconds = time.monotonic() - began

    def join(self) -> Answer:
        self._thread.join()
        assert self.answer is not None
        return self.answer


def in_flight(running: Running) -> bool:
    """Return whether gunicorn has a connection from nginx."""
    return b":7A4F" in running.container.exec_run(["sh", "-c", "awk '$4 == \"01\" {print $2}' /proc/net/tcp"]).output


def test_stop_when_idle_is_quick_and_clean(start: Start, image: str) -> None:
    """`docker stop` of an idle container ends with exit code 0, well before Docker would kill it."""
    running = start(image)
    running.wait_ready()

    seconds, code = running.stop()

    assert 0 == code
    assert seconds < 5


@pytest.mark.parametrize("port", [5000, 31311], ids=["through nginx", "direct"])
def test_stop_answers_what_was_accepted(start: Start, image: str, port: int) -> None:
    """A request in flight at `docker stop` gets its answer, and the exit code is 0."""
    running = start_sleeper(start, image)
    running.wait_ready()
    request = Later(running, '{"sleep": 3}', port)
    wait_until(lambda: in_flight(running), what="a request in flight")

    seconds, code = running.stop()

    assert (200, "3") == (request.join().status, request.join().text.strip())
    assert (0, True) == (code, seconds < 6)


def test_a_request_beyond_the_stop_budget_is_ended(start: Start, image: str) -> None:
    """A stop ends within STOP_TIMEOUT, whatever runs; Docker never has to kill it (exit code 137)."""
    running = start_sleeper(start, image, environment={"STOP_TIMEOUT": "3"})
    running.wait_ready()
    request = Later(running, '{"sleep": 60}')
    wait_until(lambda: in_flight(running), what="a request in flight")

    seconds, code = running.stop()
    request.join()

    assert (0, True) == (code, seconds < 6)


@pytest.mark.parametrize(
    ("process", "limit_s"),
    [("nginx: master", 3), ("nginx: worker", 3), ("userenv/bin/azmlinfsrv", 15), ("rsyslogd", 3)],
)
def test_a_killed_process_comes_back(start: Start, image: str, process: str, limit_s: float) -> None:
    """After SIGKILL of any one process the container answers again, without orphans on its ports."""
    running = start_sleeper(start, image)
    running.wait_ready()
    victim = running.execute("pgrep", "-o", "-f", process).split()[0]

    running.execute("kill", "-9", victim)

    wait_until(
        lambda: (
            running.container.exec_run(["pgrep", "-o", "-f", process]).output.split()[:1] not in ([], [victim.encode()])
        ),
        limit_s=limit_s,
        what="a new process",
    )
    wait_until(lambda: ask(running.url("/score"), '{"sleep": 0}').status == 200, limit_s=limit_s, what="an answer")
    assert 1 == running.execute("pgrep", "-f", "nginx: master").count("\n")


def test_the_log_goes_on_after_rsyslogd_was_killed(start: Start, image: str) -> None:
    """A new socket is found by nginx itself."""
    running = start_sleeper(start, image)
    running.wait_ready()
    running.execute("pkill", "-9", "rsyslogd")
    wait_until(lambda: running.container.exec_run(["pgrep", "rsyslogd"]).exit_code == 0, what="a new rsyslogd")

    def logged() -> bool:
        ask(running.url("/score"), '{"sleep": 0}', x_request_id="after-the-kill")
        return "after-the-kill" in running.log()

    wait_until(logged, limit_s=10, what="a log line")


def test_a_crash_loop_ends_the_container_with_the_reason(start: Start, image: str) -> None:
    """CRASH_LIMIT crashes in a row: exit code not 0, and the last line says which service and why."""
    running = start_sleeper(start, image, environment={"CRASH_LIMIT": "2"})
    running.wait_ready()
    for _ in range(2):
        wait_until(lambda: running.container.exec_run(["pkill", "-9", "-o", "nginx"]).exit_code == 0, what="a kill")
        wait_until(
            lambda: (
                running.container.status == "exited"
                or running.container.exec_run(["pgrep", "nginx"]).exit_code == 0
                or not running.container.reload()
            ),
            limit_s=10,
        )

    assert 1 == running.exit_code()
    assert running.log().splitlines()[-1].startswith("puncheon: stopped, because nginx ended after ")
    assert "killed by signal 9" in running.log().splitlines()[-1]


def test_a_model_that_cannot_load_ends_the_container(start: Start, image: str) -> None:
    """init() raises: gunicorn's exit code, the traceback in the log, the reason in its last line, no second try."""
    running = start_sleeper(start, image, environment={"FAIL": "1"})

    assert 3 == running.exit_code()
    assert "RuntimeError: no such weights" in running.log()
    assert "could not be loaded" in running.log().splitlines()[-1]


def test_a_container_without_memory_for_the_model_says_so(start: Start, image: str) -> None:
    """Workers that are killed while they load end the container, with the memory limit in the reason."""
    running = start_sleeper(start, image, environment={"HOG_MB": "600"}, mem_limit="300m", memswap_limit="300m")

    assert 5 == running.exit_code()
    assert "for want of memory: the container's limit is 300 MiB" in running.log().splitlines()[-1]


@pytest.mark.parametrize(
    "options",
    [
        {"read_only": True, "tmpfs": {"/tmp": ""}},
        {"user": "12345:0"},
        {
            "user": "12345:0",
            "read_only": True,
            "tmpfs": {"/tmp": ""},
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
        },
        {"user": "0"},
        {"network_mode": "none"},
    ],
    ids=["read-only", "another uid", "all locked down", "root", "no network"],
)
def test_it_runs_locked_down(start: Start, image: str, options: dict[str, object]) -> None:
    """The image answers its own example under restrictions that orchestrators put on it, and stops cleanly."""
    running = start(image, **options)
    probe = ["/opt/puncheon/scripts/healthcheck"]
    wait_until(lambda: running.container.exec_run(probe).exit_code == 0, what="health")

    score = running.execute("python", "-c", SCORE_FROM_INSIDE)

    assert "[0, 0]" == json.dumps(json.loads(score))
    assert 0 == running.stop()[1]


SCORE_FROM_INSIDE = """
import pathlib, urllib.request
body = pathlib.Path("/var/azureml-app/model/serving_input_example.json").read_bytes()
request = urllib.request.Request("http://127.0.0.1:5000/score", body, {"Content-Type": "application/json"})
print(urllib.request.urlopen(request).read().decode())
"""

REFUSED = {
    "no writable /tmp": ({"read_only": True}, "error: /tmp is not writable for uid 1000."),
    "root without capabilities": ({"user": "0", "cap_drop": ["ALL"]}, "error: uid 0 without the capabilities"),
    "proxy below worker": (
        {"environment": {"PROXY_TIMEOUT": "5"}},
        "error: PROXY_TIMEOUT=5 s is not above WORKER_TIMEOUT",
    ),
    "no number": ({"environment": {"WORKER_COUNT": "many"}}, "error: WORKER_COUNT='many' is not a whole number."),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_an_impossible_start_is_refused_with_the_reason(
    start: Start, image: str, options: dict[str, object], message: str
) -> None:
    """Exit code 2, three lines, nothing started."""
    running = start(image, **options)

    assert 2 == running.exit_code()
    assert running.log().startswith(message)
    assert len(running.log().splitlines()) <= 6


def test_run_time_settings_reach_nginx_and_the_server(start: Start, image: str) -> None:
    """`docker run -e WORKER_TIMEOUT=600` is nginx's and gunicorn's alike, without a rebuild."""
    running = start(image, environment={"WORKER_TIMEOUT": "600", "NGINX_PORT": "5001", "WORKER_COUNT": "2"})
    running.wait_ready(port=5001)

    nginx = running.execute("nginx", "-T")

    assert "proxy_read_timeout 610s;" in nginx
    assert "Worker Timeout (seconds): 600" in running.log()
    wait_until(lambda: running.execute("pgrep", "-f", "userenv/bin/azmlinfsrv").count("\n") == 3, what="two workers")


def test_a_restarted_container_serves_again(start: Start, image: str) -> None:
    """`docker restart` finds no stale lock, socket or count in its way."""
    running = start(image)
    running.wait_ready()
    running.container.restart()

    running.wait_ready()

    assert 0 == running.stop()[1]


def test_the_containers_own_health_check_follows(start: Start, image: str) -> None:
    """HEALTHCHECK passes when the model answers and fails when it does not."""
    running = start_sleeper(start, image)
    running.wait_ready()
    healthy = running.container.exec_run(["/opt/puncheon/scripts/healthcheck"]).exit_code
    request = Later(running, '{"sleep": 5}')
    wait_until(lambda: in_flight(running), what="a request in flight")

    busy = running.container.exec_run(["/opt/puncheon/scripts/healthcheck"]).exit_code
    request.join()

    assert (0, 1) == (healthy, busy)
