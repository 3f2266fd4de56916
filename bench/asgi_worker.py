"""gunicorn's own ASGI worker beside uvicorn's, on the work that a scoring server gives them.

    python bench/asgi_worker.py                           # every figure, and a table of the medians
    python bench/asgi_worker.py -- --access-logfile=log   # with more settings of gunicorn

Needs wrk and nginx.  The application here awaits a body of 250 bytes and one future that a callback resolves for all
requests of the same turn of the event loop, then answers with 19 bytes and five headers.  One worker process.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WORK = Path(__file__).resolve().parent.parent / "build/bench/asgi"
PINS = "gunicorn==27.0.1 gunicorn-h1c==0.6.10 uvloop==0.23.0 uvicorn==0.54.0 uvicorn-worker==0.4.0 httptools==0.9.0"
VARIANTS = {
    "asgi, asyncio, Python parser": "--worker-class=asgi --asgi-loop=asyncio --http-parser=python",
    "asgi, uvloop, Python parser": "--worker-class=asgi --asgi-loop=uvloop --http-parser=python",
    "asgi, uvloop, C parser": "--worker-class=asgi --asgi-loop=uvloop --http-parser=fast",
    "uvicorn, uvloop, httptools": "--worker-class=uvicorn_worker.UvicornWorker",
}
POST = """wrk.method, wrk.body = "POST", '{"data": [' .. string.rep("[5.1, 3.5], ", 19) .. '[5.1, 3.5]]}'
wrk.headers["Content-Type"] = "application/json"
function done(summary, latency)
  local n, e = summary.requests, summary.errors
  print("figures", n, n / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        e.status + e.connect + e.read + e.write + e.timeout)
end"""
NGINX = """daemon off; worker_processes 1; pid nginx.pid; error_log stderr warn; events {{}}
http {{ access_log off; {temporary}
  upstream gunicorn {{ server 127.0.0.1:{server} max_fails=0; keepalive 64; }}
  server {{ listen 127.0.0.1:{front}; keepalive_requests 1000000; location / {{ proxy_pass http://gunicorn;
    proxy_http_version 1.1; proxy_set_header Connection ""; }} }} }}
"""


def application() -> Callable[..., Awaitable[None]]:
    """Return the ASGI application; Flask is imported for its share of the memory."""
    import flask  # noqa: F401

    waiting: list[asyncio.Future[bytes]] = []

    def answer_all() -> None:
        while waiting:
            waiting.pop().set_result(b'{"predictions":[0]}')

    async def score(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[dict[str, Any]], Any]) -> None:
        assert scope["type"] == "http"  # at the lifespan protocol it fails, and both servers go on without
        while (await receive()).get("more_body", False):
            pass
        loop = asyncio.get_running_loop()
        if not waiting:
            loop.call_soon(answer_all)
        waiting.append(loop.create_future())
        body = await waiting[-1]
        headers = [(b"content-length", b"%d" % len(body)), *((b"x-header-%d" % n, b"value of it") for n in range(4))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return score


@contextmanager
def process(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server while the block does, from where it accepts connections."""
    with (WORK / "errors.log").open("ab") as errors, subprocess.Popen(command, cwd=WORK, stderr=errors) as server:
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)) and server.poll() is None:
                time.sleep(0.1)
            yield server
        finally:
            server.terminate()


def cpu_seconds(pid: int) -> float:
    """Return user and system time (fields 14 and 15 of proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int, name: str) -> float:
    """Return a size of proc_pid_smaps_rollup, in MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return int(dict(line.split()[:2] for line in lines)[f"{name}:"]) / 1024


def load(port: int, connections: int, seconds: int, worker: int) -> dict[str, float]:
    """Load the server once: requests/s, latency in ms, the worker's CPU time in µs per request."""
    before = cpu_seconds(worker)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", "post.lua", f"http://127.0.0.1:{port}/score"]
    out = subprocess.run(command, cwd=WORK, check=True, capture_output=True, text=True).stdout
    count, *figures = map(float, out.split("figures")[1].split())
    figures.append((cpu_seconds(worker) - before) / count * 1e6)
    return dict(zip(["rps", "p50_ms", "p99_ms", "errors", "cpu_us"], figures, strict=True))


def measure(variant: list[str], connections: list[int], seconds: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Run one variant, direct and behind nginx."""
    server, front = (one.getsockname()[1] for one in [socket.create_server(("127.0.0.1", 0)) for _ in range(2)])
    temporary = " ".join(f"{kind}_temp_path t-{kind};" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    (WORK / "nginx.conf").write_text(NGINX.format(server=server, front=front, temporary=temporary))
    gunicorn = ["venv/bin/python", "-m", "gunicorn", "asgi_worker:application()", "--preload", "--keep-alive=75"]
    gunicorn += [f"--pythonpath={Path(__file__).parent}", f"--bind=127.0.0.1:{server}", "--no-control-socket"]
    nginx = ["nginx", "-p", str(WORK), "-c", "nginx.conf", "-e", "stderr"]
    with process([*gunicorn, "--graceful-timeout=1", *variant], server) as master, process(nginx, front):
        while not (children := Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text().split()):
            time.sleep(0.1)
        worker = int(children[0])
        for (name, port), count in itertools.product([("direct", server), ("nginx", front)], connections):
            yield f"{name} {count}", load(port, count, seconds, worker)
        for who, pid in {"master": master.pid, "worker": worker}.items():
            yield f"{who}, MiB", {kind: memory_mb(pid, kind) for kind in ["Rss", "Pss"]}


def main() -> None:
    """Measure in interleaved rounds; print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 32, 128])
    parser.add_argument("settings", nargs="*", help="more settings of gunicorn, after --")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    for step in ["venv -q --allow-existing -p 3.11 venv", f"pip install -q -p venv flask==3.1.3 {PINS}"]:
        subprocess.run([Path(sys.executable).with_name("uv"), *step.split()], cwd=WORK, check=True)
    (WORK / "post.lua").write_text(POST)
    seen: dict[tuple[str, str], list[dict[str, float]]] = {}
    for _, (variant, switches) in itertools.product(range(options.rounds), VARIANTS.items()):
        for case, figures in measure([*switches.split(), *options.settings], options.connections, options.seconds):
            print(variant, case, figures, flush=True)
            seen.setdefault((variant, case), []).append(figures)
    for (variant, case), rounds in seen.items():
        medians = (f"{name} {statistics.median(one[name] for one in rounds):.2f}" for name in rounds[0])
        print(f"| {variant} | {case} | {' | '.join(medians)} |")


if __name__ == "__main__":
    main()
