"""What our container costs beside its answers: memory, shared memory, the loss of a worker, the start."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import docker
from docker.models.containers import Container

from bench.processes import Process, below, total_mb
from bench.running import container, container_servers, output_of, processes_of, wait_for_answer
from bench.server import Server
from bench.tables import Table, flowers

MODEL_SERVICE = "runsv model"
PYTHON = "/opt/miniconda/envs/userenv/bin/python"
LOAD_MODEL = """
import os, mlflow.pyfunc
mlflow.pyfunc.load_model(os.environ["AZUREML_MODEL_DIR"])
os._exit(0)
"""
KILL = "import os, sys, time; began = time.time(); os.kill(int(sys.argv[1]), 9); print(began)"
PEER_PORT = 8080
CALLERS = 4
"""So many ask without end while workers are killed."""


def idle_memory(image: str, peer_image: str, first: Table) -> dict[str, Any]:
    """Return the memory of the idle container after its first answers, by process, and that of MLflow's own image.

    ``container_mb`` is what the engine counts (without the page cache that it may drop), ``pss_mb`` the sum of shares.
    """
    with container(image, {"WORKER_COUNT": "1"}) as made:
        server = container_servers(made)[0]
        wait_for_answer(made, server, first)
        found = _memory(made, server, first)
        processes = processes_of(made)
        model = below(processes, MODEL_SERVICE)
    with container(peer_image) as made:
        made.reload()
        url = f"http://{made.attrs['NetworkSettings']['IPAddress']}:{PEER_PORT}/invocations"
        server = Server("mlflow's image", url, 0, predictions=lambda answer: answer["predictions"])
        wait_for_answer(made, server, first)
        peer = _memory(made, server, first)
    ours = [process for process in processes if process not in model]
    return {
        **found,
        "model_mb": total_mb(model) if model else None,
        "beside_model_mb": total_mb(ours) if model else None,
        "processes": [_line(process, process in model) for process in processes],
        "peer_container_mb": peer["container_mb"],
        "peer_pss_mb": peer["pss_mb"],
    }


def shared_memory(image: str, first: Table) -> dict[str, Any]:
    """Return the sum of shares of a container of a large model, with 1 and with 4 model workers that have answered."""
    found: dict[str, Any] = {}
    for count in (1, 4):
        with container(image, {"WORKER_COUNT": str(count)}) as made:
            server = container_servers(made)[0]
            wait_for_answer(made, server, first)
            with ThreadPoolExecutor(16) as callers:
                list(callers.map(server.ask, [flowers(first.columns, 2, seed) for seed in range(400)]))
            found[f"workers_{count}_mb"] = total_mb(processes_of(made))
    return found


def killed_worker(image: str, first: Table, kills: int) -> dict[str, Any]:
    """Kill the one model worker again and again under load; return the time to the next answer, and what was lost.

    Returns
    -------
    ``ms``: for each kill, from the kill to the first answer to a request that was sent after it.  ``asked`` and
    ``lost``: all requests sent meanwhile, and those without a right answer.
    """
    with container(image, {"WORKER_COUNT": "1"}) as made:
        server = container_servers(made)[0]
        wait_for_answer(made, server, first)
        expected = server.ask(first)
        calls: list[tuple[float, float, bool]] = []
        times, until = [], [time.time() + 3600]

        def keep_asking() -> None:
            while time.time() < until[0]:
                began = time.time()
                try:
                    right = list(server.ask(first)) == list(expected)
                except (OSError, ValueError):
                    right = False
                calls.append((began, time.time(), right))
                # The callers must not take the processors from the worker that starts.
                time.sleep(0.002)

        with ThreadPoolExecutor(CALLERS) as callers:
            done = [callers.submit(keep_asking) for _ in range(CALLERS)]
            try:
                for _ in range(kills):
                    killed = _kill(made, _workers(processes_of(made))[-1])
                    while not (after := [ended for began, ended, right in list(calls) if right and began > killed]):
                        time.sleep(0.01)
                        if time.time() > killed + 120:
                            raise SystemExit("No answer within 120 s after a worker was killed.")
                    times.append(round((min(after) - killed) * 1000, 1))
                    time.sleep(1)
            finally:
                until[0] = 0
        for one in done:
            one.result()
    return {
        "ms": times,
        "median_ms": statistics.median(times),
        "worst_ms": max(times),
        "asked": len(calls),
        "lost": sum(not right for _, _, right in calls),
        "preload": capability(image, "preload"),
    }


def start(image: str, first: Table, rounds: int) -> dict[str, Any]:
    """Return seconds from a container's start to its first answer, and those of ``import mlflow`` and load alone in it.

    Both count from the moment that the engine gives for the start, in turns.
    """
    served, loaded = [], []
    for _ in range(rounds):
        with container(image, {"WORKER_COUNT": "1"}) as made:
            server = container_servers(made)[0]
            wait_for_answer(made, server, first, pause_s=0.01)
            served.append(round(time.time() - _moment(made, "StartedAt"), 3))
        made = docker.from_env().containers.run(image, ["-c", LOAD_MODEL], entrypoint="python", detach=True)
        try:
            made.wait(timeout=300)
            loaded.append(round(_moment(made, "FinishedAt") - _moment(made, "StartedAt"), 3))
        finally:
            made.remove(force=True)
    return {
        "first_answer_s": served,
        "import_and_load_s": loaded,
        "median_first_answer_s": statistics.median(served),
        "median_import_and_load_s": statistics.median(loaded),
    }


def capability(image: str, name: str) -> Any:
    """Return what the build's proof found of a capability, or None where it says nothing."""
    made = docker.from_env().containers.run(image, ["/var/azureml-app/proof.json"], entrypoint="cat", remove=True)
    return json.loads(made).get("capabilities", {}).get(name)


def _memory(made: Container, server: Server, first: Table) -> dict[str, float]:
    for _ in range(20):
        server.ask(first)
    time.sleep(3)
    stats = made.stats(stream=False)
    assert isinstance(stats, dict)
    found = stats["memory_stats"]
    cache = found["stats"].get("total_inactive_file", found["stats"].get("inactive_file", 0))
    return {"container_mb": round((found["usage"] - cache) / 1e6, 1), "pss_mb": total_mb(processes_of(made))}


def _workers(processes: Sequence[Process]) -> list[Process]:
    """Return the processes that predict: our runner's children, or gunicorn's where the model lives in it."""
    top = below(processes, MODEL_SERVICE) or below(processes, "runsv gunicorn")
    return [process for process in top if process.parent == top[0].pid]


def _kill(made: Container, process: Process) -> float:
    """Kill a process of a container; return when, by this machine's clock."""
    return float(output_of(made, PYTHON, "-c", KILL, str(process.pid)))


def _line(process: Process, of_the_model: bool) -> dict[str, Any]:
    return {"command": process.command[:90], "mb": total_mb([process]), "model": of_the_model}


def _moment(made: Container, name: str) -> float:
    made.reload()
    # The engine writes nanoseconds without zeros at their end; Python reads six digits.
    whole, _, fraction = str(made.attrs["State"][name]).rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction:0<6.6}+00:00").timestamp()
