"""Stop, kill, starve, lock down: what the container does when something goes wrong."""

from __future__ import annotations

import json
import re
import socket

import pytest

from tests.image.running import BOTH_SERVERS, SERVERS, Running, ask, wait_until
from tests.image.scripted import (
    Later,
    Start,
    calls,
    connections,
    pids,
    said,
    score,
    send_signal,
    start_scripted,
    wait_scoring,
)


@BOTH_SERVERS
def test_stop_when_idle_is_quick_and_clean(start: Start, image: str) -> None:
    """`docker stop` of an idle container ends with exit code 0, well before Docker would kill it."""
    running = start_scripted(start, image)
    running.wait_ready()

    seconds, code = running.stop()

    assert 0 == code
    assert seconds < 5


@BOTH_SERVERS
@pytest.mark.parametrize("port", [5000, 31311], ids=["through nginx", "direct"])
def test_stop_answers_what_was_accepted(start: Start, image: str, port: int) -> None:
    """A request in flight at `docker stop` gets its answer, and the exit code is 0."""
    running = start_scripted(start, image)
    running.wait_ready()
    request = Later(running, port, n=1, sleep=3)
    wait_scoring(running, 1)

    seconds, code = running.stop()

    assert (200, 1) == (request.join().status, said(request.answer)["n"])
    assert (0, True) == (code, seconds < 6)


def test_stop_answers_what_waits_too(start: Start, image: str) -> None:
    """Requests in the queue at `docker stop`, on both ports, get their answers as well, shared or one by one."""
    running = start_scripted(start, image)
    running.wait_ready()
    first = Later(running, n=1, sleep=2)
    wait_scoring(running, 1)
    others = [Later(running, port, n=n, sleep=0.1) for n in range(2, 8) for port in (5000, 31311)]
    wait_until(lambda: connections(running) > len(others), what="all connections")

    seconds, code = running.stop()

    assert [200] * 13 == [one.join().status for one in (first, *others)]
    assert (0, True) == (code, seconds < 8)


@pytest.mark.parametrize(
    ("server", "preload"), [("puncheon", "true"), ("puncheon", "false"), ("azmlinfsrv", "false")], indirect=["server"]
)
def test_stop_while_the_model_loads_is_quick_and_clean(start: Start, image: str, preload: str) -> None:
    """`docker stop` does not wait for the model."""
    running = start_scripted(start, image, {"INIT": '{"sleep": 60}', "WORKER_PRELOAD": preload})
    wait_until(lambda: running.address and ask(running.url("/livez")).status == 200, what="liveness")

    seconds, code = running.stop()

    assert 0 == code
    assert seconds < 8


@BOTH_SERVERS
def test_a_request_beyond_the_stop_budget_is_ended(start: Start, image: str) -> None:
    """A stop ends within STOP_TIMEOUT, whatever runs; Docker never has to kill it (exit code 137)."""
    running = start_scripted(start, image, environment={"STOP_TIMEOUT": "3"})
    running.wait_ready()
    requests = [Later(running, port, n=port, loop=True) for port in (5000, 31311)]
    wait_until(lambda: calls(running), what="a call")

    seconds, code = running.stop()
    for request in requests:
        request.join()

    assert (0, True) == (code, seconds < 6)


KILLED = {
    "puncheon": {
        "nginx master": 3,
        "nginx worker": 3,
        "gunicorn master": 5,
        "gunicorn worker": 5,
        "runner": 5,
        "model worker": 3,
        "rsyslogd": 3,
    },
    "azmlinfsrv": {
        "nginx master": 3,
        "nginx worker": 3,
        "azmlinfsrv master": 15,
        "azmlinfsrv worker": 15,
        "rsyslogd": 3,
    },
}
"""Within how many seconds the container answers again, by server and the process that is killed."""


@pytest.mark.parametrize(
    ("server", "process", "limit_s"),
    [(server, process, limit_s) for server in SERVERS for process, limit_s in KILLED[server].items()],
    indirect=["server"],
)
def test_a_killed_process_comes_back(start: Start, image: str, process: str, limit_s: float) -> None:
    """After SIGKILL of any one process the container answers again, without orphans on its ports."""
    running = start_scripted(start, image)
    running.wait_ready()
    victim = pids(running, process)[0]

    send_signal(running, "KILL", victim)

    wait_until(
        lambda: pids(running, process) and victim not in pids(running, process),
        limit_s=limit_s,
        what="a new process",
    )
    wait_until(lambda: score(running, n=1).status == 200, limit_s=limit_s, what="an answer")
    assert 1 == len(pids(running, "nginx master"))


STOPPED = {
    "nginx master": 3,
    "nginx worker": 3,
    "gunicorn master": 3,
    "gunicorn worker": 45,
    "runner": 3,
    "model worker": 5,
}
"""Within how many seconds the container answers again; gunicorn replaces a worker that is silent for 30 s."""


@pytest.mark.parametrize(("process", "limit_s"), STOPPED.items(), ids=STOPPED.keys())
def test_it_answers_on_when_a_process_stands_still(start: Start, image: str, process: str, limit_s: float) -> None:
    """After SIGSTOP of any one process the container answers again, and it can still be stopped in time."""
    running = start_scripted(start, image, environment={"NGINX_WORKERS": "2"})
    running.wait_ready()
    send_signal(running, "STOP", pids(running, process)[0])

    wait_until(
        lambda: ask(running.url("/score"), '{"n": 1}', timeout_s=1).status == 200, limit_s=limit_s, what="an answer"
    )
    seconds, code = running.stop()

    assert (True, True) == (seconds < 10, code != 137)


def test_the_log_goes_on_after_rsyslogd_was_killed(start: Start, image: str) -> None:
    """A new socket is found by nginx itself: what it reports through rsyslog is there again."""
    running = start_scripted(start, image)
    running.wait_ready()
    running.execute("pkill", "-9", "rsyslogd")
    wait_until(lambda: pids(running, "rsyslogd"), what="a new rsyslogd")

    def logged() -> bool:
        with socket.create_connection((running.address, 5000)) as peer:
            peer.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
            peer.recv(4096)
        return re.search(r"(?m)^\S+ nginx: .*client intended to send too large body", running.log()) is not None

    wait_until(logged, limit_s=10, what="a log line")


def test_a_crash_loop_ends_the_container_with_the_reason(start: Start, image: str) -> None:
    """CRASH_LIMIT crashes in a row: exit code not 0, and the last line says which service and why."""
    running = start_scripted(start, image, environment={"CRASH_LIMIT": "2"})
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


@BOTH_SERVERS
def test_a_model_that_cannot_load_ends_the_container(start: Start, image: str) -> None:
    """init() raises: gunicorn's exit code, the traceback in the log, the reason in its last line, no second try."""
    running = start_scripted(start, image, environment={"INIT": '{"fail": "no such weights"}'})

    assert 3 == running.exit_code()
    assert 1 == running.log().count("\nRuntimeError: no such weights")
    assert "could not be loaded" in running.log().splitlines()[-1]


@pytest.mark.parametrize(
    ("server", "preload"), [("puncheon", "true"), ("puncheon", "false"), ("azmlinfsrv", "false")], indirect=["server"]
)
def test_a_container_without_memory_for_the_model_says_so(start: Start, image: str, preload: str) -> None:
    """Processes that are killed while they load end the container, with the memory limit in the reason."""
    environment = {"INIT": '{"eat_mb": 600}', "WORKER_PRELOAD": preload}
    running = start_scripted(start, image, environment=environment, mem_limit="300m", memswap_limit="300m")

    assert 5 == running.exit_code()
    assert "for want of memory: the container's limit is 300 MiB" in running.log().splitlines()[-1]


@BOTH_SERVERS
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


def test_run_time_settings_reach_every_service(start: Start, image: str) -> None:
    """`docker run -e WORKER_TIMEOUT=600` is nginx's and the server's alike, without a rebuild."""
    environment = {"WORKER_TIMEOUT": "600", "NGINX_PORT": "5001", "GUNICORN_PORT": "31312", "WORKER_COUNT": "2"}
    running = start_scripted(start, image, environment=environment)
    running.wait_ready(port=5001)

    assert "proxy_read_timeout 610s;" in running.execute("nginx", "-T")
    assert "score 540000 ms" in running.log()
    assert 200 == score(running, 31312, n=1).status
    assert 2 == len(pids(running, "model worker"))


@pytest.mark.parametrize("server", ["azmlinfsrv"], indirect=True)
def test_run_time_settings_reach_azmlinfsrv(start: Start, image: str) -> None:
    """`docker run -e WORKER_TIMEOUT=600` is nginx's and azmlinfsrv's alike, without a rebuild."""
    environment = {"WORKER_TIMEOUT": "600", "NGINX_PORT": "5001", "WORKER_COUNT": "2"}
    running = start_scripted(start, image, environment=environment)
    running.wait_ready(port=5001)

    assert "proxy_read_timeout 610s;" in running.execute("nginx", "-T")
    assert "Worker Timeout (seconds): 600" in running.log()
    wait_until(lambda: len(pids(running, "azmlinfsrv worker")) == 2, what="two workers")


@BOTH_SERVERS
@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_container_that_is_started_again_serves_again(start: Start, image: str, how: str) -> None:
    """No stale lock, socket or count is in the way, also where `docker kill` left all of them behind."""
    running = start_scripted(start, image)
    running.wait_ready()
    if how == "killed":
        running.container.kill()
        running.container.start()
    else:
        running.container.restart()

    running.wait_ready()

    assert 200 == score(running, n=1).status
    assert 0 == running.stop()[1]


def health(running: Running) -> int:
    """Return the exit code of the image's HEALTHCHECK."""
    return int(running.container.exec_run(["/opt/puncheon/scripts/healthcheck"]).exit_code)


BUSY = {"puncheon": 0, "azmlinfsrv": 1}
"""Azmlinfsrv has no one to answer a probe while its worker scores; our own server has."""


@pytest.mark.parametrize(("server", "busy"), BUSY.items(), ids=BUSY.keys(), indirect=["server"])
def test_the_containers_own_health_check_follows(start: Start, image: str, busy: int) -> None:
    """HEALTHCHECK fails while the model loads, passes when it answers, and is the server's while it scores."""
    running = start_scripted(start, image, environment={"INIT": '{"sleep": 3}'})
    wait_until(lambda: running.address and ask(running.url("/livez")).status == 200, what="liveness")
    loading = health(running)
    running.wait_ready()
    healthy = health(running)
    request = Later(running, n=1, sleep=5)
    wait_scoring(running, 1)

    scoring = health(running)
    request.join()

    assert (1, 0, busy) == (loading, healthy, scoring)
