"""Resources follow the container: processes and threads from its CPUs, and what is set instead."""

from __future__ import annotations

import json
import random
import threading
from typing import Any

import pytest

from tests.image.running import Running, ask, wait_until
from tests.image.scripted import Start, pids, said, score, start_scripted

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

CHOICES: dict[str, tuple[dict[str, Any], str, dict[str, int], str]] = {
    "a quota of one CPU": (
        {"nano_cpus": 10**9},
        "puncheon: 1 CPUs: nginx :5000 (1 processes, 310 s) -> gunicorn :31311 (1 processes, 300 s) -> "
        "model (1 processes of 1 math threads, ",
        {"nginx worker": 1, "gunicorn worker": 1, "model worker": 1},
        "1",
    ),
    "a quota of a CPU and a half": (
        {"nano_cpus": 1_500_000_000},
        "puncheon: 2 CPUs: nginx :5000 (2 processes, 310 s) -> gunicorn :31311 (1 processes, 300 s) -> "
        "model (1 processes of 2 math threads, ",
        {"nginx worker": 2, "gunicorn worker": 1, "model worker": 1},
        "2",
    ),
    "a set of one CPU": (
        {"cpuset_cpus": "0"},
        "puncheon: 1 CPUs: ",
        {"nginx worker": 1, "gunicorn worker": 1, "model worker": 1},
        "1",
    ),
    "two workers on two CPUs": (
        {"environment": {"WORKER_COUNT": "2"}, "cpuset_cpus": "0,1"},
        "puncheon: 2 CPUs: ",
        {"nginx worker": 2, "gunicorn worker": 1, "model worker": 2},
        "1",
    ),
    "all set": (
        {
            "environment": {
                "WORKER_COUNT": "3",
                "WORKER_THREADS": "5",
                "HTTP_WORKERS": "2",
                "NGINX_WORKERS": "4",
                "WORKER_PRELOAD": "false",
                "BATCHING": "off",
            },
            "nano_cpus": 10**9,
        },
        "puncheon: 1 CPUs: nginx :5000 (4 processes, 310 s) -> gunicorn :31311 (2 processes, 300 s) -> "
        "model (3 processes of 5 math threads, score 270000 ms; preload false: as set; batching off: as set)",
        {"nginx worker": 4, "gunicorn worker": 2, "model worker": 3},
        "5",
    ),
}


@pytest.mark.parametrize(("options", "line", "processes", "threads"), CHOICES.values(), ids=CHOICES.keys())
def test_processes_and_threads_follow_the_container(
    start: Start, image: str, options: dict[str, Any], line: str, processes: dict[str, int], threads: str
) -> None:
    """The first line says what was chosen, and that is what runs."""
    running = start_scripted(start, image, **options)
    running.wait_ready()
    wait_until(lambda: len(pids(running, "model worker")) == processes["model worker"], what="all workers")

    assert running.log().startswith(line)
    assert processes == {kind: len(pids(running, kind)) for kind in processes}
    assert dict.fromkeys(VARIABLES, threads) == {
        name: said(score(running, n=1, variable=name))["variable"] for name in VARIABLES
    }


ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.1, 4.7, 1.5], [6.3, 3.3, 6.0, 2.5]]
KINDS = range(3)


def test_several_http_and_model_workers_answer_as_one(start: Start, image: str) -> None:
    """The demo model under load, with two of each: every answer is that of its own rows, bad requests among them."""
    running = start(image, environment={"HTTP_WORKERS": "2", "WORKER_COUNT": "2"})
    running.wait_ready()
    wait_until(lambda: len(pids(running, "gunicorn worker")) == 2, what="two HTTP workers")
    wrong: list[tuple[str, object, object]] = []
    done: list[int] = []

    def load(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(60):
            kinds = chance.choices(KINDS, k=chance.randint(1, 4))
            body, expected = body_of(kinds), (200, kinds)
            if chance.random() < 0.1:
                body, expected = '{"input_data": 7}', (400, [])
            answer = ask(running.url("/score", chance.choice((5000, 31311))), body)
            found = (answer.status, json.loads(answer.text) if answer.status == 200 else [])
            done.append(answer.status)
            if expected != found:
                wrong.append((body, expected, found))

    threads = [threading.Thread(target=load, args=(seed,)) for seed in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == wrong
    assert 16 * 60 == len(done)


def body_of(kinds: list[int]) -> str:
    """Return a request for flowers of these kinds."""
    columns = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
    return json.dumps({"input_data": {"columns": columns, "data": [ROWS[kind] for kind in kinds]}})


def answered_by(running: Running, requests: int) -> set[int]:
    """Return the processes that answer requests which come at the same time."""
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(said(score(running, n=n, sleep=0.2))["pid"]))
        for n in range(requests)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return set(found)


def test_every_model_worker_takes_part(start: Start, image: str) -> None:
    """Requests that come together are scored by all of them."""
    running = start_scripted(start, image, {"WORKER_COUNT": "3", "HTTP_WORKERS": "2", "BATCHING": "off"})
    running.wait_ready()
    wait_until(lambda: len(pids(running, "model worker")) == 3, what="all workers")

    assert set(pids(running, "model worker")) == answered_by(running, 12)
