"""Whether a conda channel answers: real servers on this machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from puncheon.channel.probe import probe


@contextmanager
def server(status: int) -> Iterator[tuple[str, list[str]]]:
    """A channel that answers every request with one status, and the requests that it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/channel/", asked
        listening.shutdown()
        thread.join()


def test_a_channel_that_answers_is_usable() -> None:
    """One request, for the index that every channel has."""
    with server(200) as (url, asked):
        answer = probe("site", url)

    assert (True, "answers (200)") == (answer.usable, answer.words)
    assert ["/channel/noarch/repodata.json"] == asked


@pytest.mark.parametrize("status", [403, 404, 407, 503])
def test_a_refusal_is_no_channel(status: int) -> None:
    """A proxy that lets nobody through, for instance; its number is told."""
    with server(status) as (url, _):
        answer = probe("site", url)

    assert not answer.usable
    assert str(status) in answer.words


def test_a_closed_port_is_no_channel() -> None:
    """The reason is told."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = probe("site", f"http://127.0.0.1:{unused.getsockname()[1]}")

    assert not answer.usable
    assert "refused" in answer.words


def test_a_silent_server_is_given_up_in_time() -> None:
    """A firewall that drops everything costs no more than the limit."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        answer = probe("site", f"http://127.0.0.1:{silent.getsockname()[1]}", limit=0.2)

    assert not answer.usable
    assert time.monotonic() - began < 2
