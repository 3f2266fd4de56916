"""What is read from wrk's output, and what is made of several rounds."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import load
from bench.load import Figures, median, parse

OUTPUT = """Running 2s test @ http://127.0.0.1:5000/score
  1 threads and 32 connections
Requests/sec:    459.01
wrk: {"seconds": 2.000000, "answers": 920, "refused": 20, "broken": 3, "timeouts": 2, "p50_ms": 1.912, "p99_ms": 67.7, \
"max_ms": 87.3}
"""


def test_parse_reads_the_line_of_the_script() -> None:
    """The rate counts good answers alone; timeouts count as broken."""
    expected = Figures(rate=450, p50_ms=1.912, p99_ms=67.7, max_ms=87.3, answers=920, refused=20, broken=5)

    assert expected == parse(OUTPUT)


def test_parse_shows_what_wrk_said_instead() -> None:
    """Without the line the error holds wrk's own words."""
    with pytest.raises(ValueError, match="unable to connect"):
        parse("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_median_of_figures_and_sum_of_failures() -> None:
    """One bad round moves no figure, and its failures are not forgotten."""
    rounds = [
        Figures(rate=100, p50_ms=1, p99_ms=9, max_ms=10, answers=200, refused=0, broken=0),
        Figures(rate=5, p50_ms=90, p99_ms=900, max_ms=1000, answers=10, refused=7, broken=1),
        Figures(rate=110, p50_ms=2, p99_ms=8, max_ms=20, answers=220, refused=0, broken=0),
    ]

    expected = Figures(rate=100, p50_ms=2, p99_ms=9, max_ms=20, answers=430, refused=7, broken=1)

    assert expected == median(rounds)


class Half(http.server.BaseHTTPRequestHandler):
    """Answers 200 to the right body, 503 to any other."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        right = self.rfile.read(int(self.headers["Content-Length"])) == b'{"a": 1}'
        self.send_response(200 if right else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    """A server that knows one right body."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Half)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("body", "refused"), [pytest.param('{"a": 1}', False, id="right"), pytest.param("{}", True, id="wrong")]
)
def test_wrk_sends_the_file_and_counts_refusals(url: str, tmp_path: Path, body: str, refused: bool) -> None:
    """The real wrk posts the file's body, and an answer of 503 is none."""
    if not shutil.which("wrk"):
        load.ensure_wrk()
    file = tmp_path / "body.json"
    file.write_text(body)

    figures = load.finish(load.start(url, file, connections=2, seconds=1))

    assert figures.answers > 0
    assert (figures.answers if refused else 0) == figures.refused
    assert (figures.rate == 0) is refused
