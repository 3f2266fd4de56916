"""Failure stays with the one who caused it: requests that fail, hang, eat memory or leave, among others that do not."""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import threading
import time
from collections.abc import Callable

import pytest

from tests.image.running import Answer, Running, ask, wait_until
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

PORTS = pytest.mark.parametrize("port", [5000, 31311], ids=["through nginx", "direct"])
LIMIT_S = 2.5
NEIGHBOURS = range(2, 10)


@pytest.fixture
def started(start: Start, image: str) -> Callable[..., Running]:
    """Start a ready container in which requests share a call."""

    def start_one(**options: object) -> Running:
        own = options.pop("environment", {})
        environment = {"BATCHING": "on", "SCORING_TIMEOUT_MS": str(int(LIMIT_S * 1000)), **own}  # type: ignore[dict-item]
        running = start_scripted(start, image, environment, **options)
        running.wait_ready()
        return running

    return start_one


def all_wait(running: Running, *requests: dict[str, object]) -> list[Later]:
    """Send requests while the worker is busy with another, so that they wait together."""
    busy = Later(running, n=0, until="/tmp/go")
    wait_scoring(running, 0)
    sent = [Later(running, 31311, **request) for request in requests]
    wait_until(lambda: connections(running) > len(requests), what="all connections")
    running.execute("touch", "/tmp/go")
    assert 200 == busy.join().status
    return sent


def good() -> list[dict[str, object]]:
    return [{"n": n} for n in NEIGHBOURS]


def outcome(later: Later) -> tuple[int, object]:
    """Return a status and whose answer it is."""
    answer = later.join()
    return answer.status, said(answer).get("n")


def test_a_failing_request_fails_alone(started: Callable[..., Running]) -> None:
    """Its call is shared at first; then each of its neighbours is asked again, and answered."""
    running = started()

    failing, *others = all_wait(running, {"n": 1, "fail": "no such row"}, *good())

    assert [(200, n) for n in NEIGHBOURS] == [outcome(one) for one in others]
    assert 500 == failing.join().status
    assert any(1 in names and len(names) > 1 for names in calls(running))
    assert [1] in calls(running)


HANGS = {"sleeps": {"sleep": 600}, "loops": {"loop": True}, "holds the GIL in C": {"hold": 600}}


@pytest.mark.parametrize(
    ("hang", "preload"),
    [("sleeps", "true"), ("loops", "false"), ("holds the GIL in C", "true"), ("holds the GIL in C", "false")],
)
def test_a_hang_costs_the_hanging_request_alone(started: Callable[..., Running], hang: str, preload: str) -> None:
    """504 after SCORING_TIMEOUT_MS; those who waited with it and those who come meanwhile are answered."""
    running = started(environment={"WORKER_PRELOAD": preload})

    hanging, *others = all_wait(running, {"n": 1, **HANGS[hang]}, *good())
    wait_until(lambda: [1] in calls(running), what="the hanging request, alone")
    meanwhile = Later(running, n=99)

    assert [(200, n) for n in (*NEIGHBOURS, 99)] == [outcome(one) for one in (*others, meanwhile)]
    assert (504, f"Scoring timeout after {LIMIT_S * 1000:.0f} ms") == (
        hanging.join().status,
        said(hanging.answer)["message"],
    )
    assert LIMIT_S <= hanging.seconds < 2 * LIMIT_S + 3


DEATHS = {
    "exits": ({"exit": 7}, "exit code 7"),
    "crashes": ({"crash": True}, "signal 11"),
}


@pytest.mark.parametrize(("deadly", "why"), DEATHS.values(), ids=DEATHS.keys())
def test_a_request_that_ends_its_worker_is_told_so(
    started: Callable[..., Running], deadly: dict[str, object], why: str
) -> None:
    """It is scored once more, alone, and then answered 500 with the reason; its neighbours are answered."""
    running = started()

    fatal, *others = all_wait(running, {"n": 1, **deadly}, *good())

    assert [(200, n) for n in NEIGHBOURS] == [outcome(one) for one in others]
    assert (500, f"The model's process ended while it scored this request ({why}).") == (
        fatal.join().status,
        said(fatal.answer)["message"],
    )
    assert 2 == sum(1 in names for names in calls(running))


@pytest.mark.parametrize(
    ("process", "signal"),
    [("model worker", "KILL"), ("model worker", "STOP"), ("model worker", "TERM"), ("runner", "KILL")],
)
def test_a_process_that_is_lost_loses_no_request(started: Callable[..., Running], process: str, signal: str) -> None:
    """While one is scored and others wait a process of the model's is killed or stopped: all are answered."""
    running = started(environment={"SCORING_TIMEOUT_MS": "60000"})
    first = Later(running, n=1, sleep=2)
    wait_scoring(running, 1)
    others = [Later(running, **request) for request in good()]
    victim = pids(running, process)[0]

    send_signal(running, signal, victim)

    assert [(200, n) for n in (1, *NEIGHBOURS)] == [outcome(one) for one in (first, *others)]
    wait_until(lambda: pids(running, process) not in ([], [victim]), limit_s=5, what="a new process")


def test_workers_that_are_killed_again_and_again_lose_no_request(started: Callable[..., Running]) -> None:
    """Kill -9 after each twenty answers, under load: every answer is a 200 and the right one."""
    running = started(environment={"WORKER_COUNT": "2", "HTTP_WORKERS": "2"})
    over = threading.Event()
    wrong: list[tuple[int, Answer]] = []
    right: list[int] = []

    def load(number: int) -> None:
        for n in range(number, 10**9, 4):
            if over.is_set():
                return
            answer = score(running, n=n)
            if answer.status == 200 and said(answer)["n"] == n:
                right.append(n)
            else:
                wrong.append((n, answer))

    threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    with contextlib.ExitStack() as stack:
        stack.callback(over.set)
        for _ in range(6):
            answered = len(right)
            wait_until(lambda at=answered: wrong or len(right) > at + 20, what="twenty answers")
            send_signal(running, "KILL", pids(running, "model worker")[-1])
    for thread in threads:
        thread.join()

    assert [] == wrong
    assert len(right) > 100


def test_a_request_that_eats_the_memory_is_told_so(started: Callable[..., Running]) -> None:
    """The kernel kills its worker: 500 with the reason and the limit; its neighbours are answered."""
    running = started(
        mem_limit="300m", memswap_limit="300m", environment={"WORKER_COUNT": "1", "SCORING_TIMEOUT_MS": "60000"}
    )

    eating, *others = all_wait(running, {"n": 1, "eat_mb": 600}, *good())

    assert [(200, n) for n in NEIGHBOURS] == [outcome(one) for one in others]
    assert (
        500,
        "The model ran out of memory while it scored this request (the container's limit is 300 MiB).",
    ) == (eating.join().status, said(eating.answer)["message"])


def test_without_retry_a_request_is_never_scored_twice(started: Callable[..., Running]) -> None:
    """RETRY=off: what a killed worker was scoring is answered 500; what had only waited is answered."""
    running = started(environment={"RETRY": "off", "SCORING_TIMEOUT_MS": "60000", "BATCHING": "auto"})
    first = Later(running, n=1, sleep=30)
    wait_scoring(running, 1)
    others = [Later(running, **request) for request in good()]

    send_signal(running, "KILL", pids(running, "model worker")[0])

    assert [(200, n) for n in NEIGHBOURS] == [outcome(one) for one in others]
    assert (500, "The model's process ended while it scored this request (signal 9).") == (
        first.join().status,
        said(first.answer)["message"],
    )
    assert sorted([1, *NEIGHBOURS]) == sorted(n for names in calls(running) for n in names)


def test_without_retry_a_hang_is_a_504(started: Callable[..., Running]) -> None:
    """RETRY=off: it is scored once, and those behind it are answered."""
    running = started(environment={"RETRY": "off"})
    hanging = Later(running, n=1, loop=True)
    wait_scoring(running, 1)
    others = [Later(running, **request) for request in good()]

    assert [(200, n) for n in NEIGHBOURS] == [outcome(one) for one in others]
    assert 504 == hanging.join().status
    assert sorted([1, *NEIGHBOURS]) == sorted(n for names in calls(running) for n in names)


def test_without_batching_no_call_is_shared(started: Callable[..., Running]) -> None:
    """BATCHING=off: whatever waits together is scored one by one."""
    running = started(environment={"BATCHING": "off"})

    others = all_wait(running, *good())

    assert [(200, 1)] * len(NEIGHBOURS) == [(one.join().status, said(one.answer)["together"]) for one in others]


@PORTS
def test_a_full_queue_is_a_503_at_once(started: Callable[..., Running], port: int) -> None:
    """With Retry-After; it changes no probe; and who waits is answered."""
    running = started(environment={"QUEUE_MAX": "3", "SCORING_TIMEOUT_MS": "60000"})
    busy = Later(running, n=0, until="/tmp/go")
    wait_scoring(running, 0)
    before = connections(running)
    waiting = [Later(running, 31311, n=n) for n in (1, 2, 3)]
    wait_until(lambda: connections(running) == before + 3, what="a full queue")
    began = time.monotonic()
    refused = score(running, port, n=4)
    seconds = time.monotonic() - began
    probes = {path: ask(running.url(path, port)).status for path in ("/", "/readyz", "/livez")}
    running.execute("touch", "/tmp/go")

    assert "The queue is full" in said(refused)["message"]
    assert (503, True) == (refused.status, 1 <= int(refused.headers["retry-after"]) <= 60)
    assert seconds < 0.3
    assert {"/": 200, "/readyz": 200, "/livez": 200} == probes
    assert [(200, n) for n in (0, 1, 2, 3)] == [outcome(one) for one in (busy, *waiting)]


@PORTS
def test_what_nobody_waits_for_is_not_scored(started: Callable[..., Running], port: int) -> None:
    """Requests whose clients have left are dropped from the queue."""
    running = started(environment={"SCORING_TIMEOUT_MS": "60000"})
    busy = Later(running, n=0, until="/tmp/go")
    wait_scoring(running, 0)
    for n in NEIGHBOURS:
        send_and_leave(running, port, n)
    last = Later(running, n=99)
    running.execute("touch", "/tmp/go")

    assert [(200, 0), (200, 99)] == [outcome(one) for one in (busy, last)]
    assert [0, 99] == [n for names in calls(running) for n in names]


def send_and_leave(running: Running, port: int, n: int) -> None:
    """Be a client that sends its request, waits for a moment, and leaves."""
    body = json.dumps({"n": n})
    with socket.create_connection((running.address, port)) as connection:
        connection.sendall(f"POST /score HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)


MOMENTS: dict[str, tuple[dict[str, str], list[dict[str, object]]]] = {
    "a long predict": ({}, [{"n": 1, "until": "/tmp/go"}]),
    "a hang": ({}, [{"n": 1, "hold": 5}]),
    "a full queue": ({"QUEUE_MAX": "2"}, [{"n": 1, "until": "/tmp/go"}, {"n": 2}, {"n": 3}, {"n": 4}]),
}


@pytest.mark.parametrize(("environment", "requests"), MOMENTS.values(), ids=MOMENTS.keys())
def test_health_answers_within_50_ms(
    started: Callable[..., Running], environment: dict[str, str], requests: list[dict[str, object]]
) -> None:
    """Each probe on each port, whatever the model is at: the median of twenty."""
    running = started(environment={"SCORING_TIMEOUT_MS": "60000", **environment})
    first, *others = requests
    sent = [Later(running, **first)]
    wait_scoring(running, 1)
    sent += [Later(running, **request) for request in others]

    medians = {}
    for port in (5000, 31311):
        for path in ("/", "/readyz", "/livez"):
            url = running.url(path, port)
            medians[port, path] = statistics.median(seconds_of(url) for _ in range(20))
    still_at_it = not sent[0].answer.status
    running.execute("touch", "/tmp/go")

    assert still_at_it
    assert {} == {probe: seconds for probe, seconds in medians.items() if seconds > 0.05}
    for one in sent:
        one.join()


def seconds_of(url: str) -> float:
    """Return how long a probe takes; it must say 200."""
    began = time.monotonic()
    assert 200 == ask(url).status
    return time.monotonic() - began
