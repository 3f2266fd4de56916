"""Clients that are slow, leave, or speak no HTTP: what they cost is theirs alone."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.server.running import Gunicorn
from tests.serving import wait_until

Serve = Callable[..., Any]

MIB = 1 << 20


def head(length: int, *lines: str) -> bytes:
    """The head of a POST to /score."""
    return "\r\n".join(["POST /score HTTP/1.1", "Host: x", f"Content-Length: {length}", *lines, "", ""]).encode()


def until_end(peer: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    received = b""
    while part := peer.recv(65536):
        received += part
    return received


def receive(peer: socket.socket, end: bytes) -> bytes:
    """All that comes until ``end`` is in it."""
    received = b""
    while end not in received:
        part = peer.recv(65536)
        assert part, received
        received += part
    return received


def test_a_slow_body_holds_nobody_up(server: Gunicorn) -> None:
    """Others are answered while it comes, byte by byte, and then it is answered too."""
    body = b'"slow"'
    with server.connect() as peer:
        peer.sendall(head(len(body)))
        for byte in body:
            assert 200 == server.ask(body="{}").status
            peer.sendall(bytes([byte]))
        assert b"slow" in receive(peer, b'"together"')


def test_many_requests_share_a_connection(server: Gunicorn) -> None:
    """It stays open after each answer, also after one that refuses."""
    with server.connect() as peer:
        for length, status in ((2, b"200"), (2, b"200")):
            peer.sendall(head(length) + b"{}"[:length])
            assert receive(peer, b"}").startswith(b"HTTP/1.1 " + status)


def test_requests_sent_ahead_are_answered_in_order(server: Gunicorn) -> None:
    """Three at once on one connection."""
    requests = b"".join(head(3) + f'"{name}"'.encode() for name in "abc")
    with server.connect() as peer:
        peer.sendall(requests)
        received = receive(peer, b"c\\")

    assert 3 == received.count(b"HTTP/1.1 200")
    assert sorted(places := [received.index(f"{name}\\".encode()) for name in "abc"]) == places


def test_a_body_is_asked_for_where_the_client_waits_for_that(server: Gunicorn) -> None:
    """``Expect: 100-continue``, as curl sends for large bodies."""
    with server.connect() as peer:
        peer.sendall(head(2, "Expect: 100-continue"))
        assert b"HTTP/1.1 100 Continue\r\n\r\n" == receive(peer, b"\r\n\r\n")
        peer.sendall(b"{}")
        assert receive(peer, b"}").startswith(b"HTTP/1.1 200")


def test_a_body_that_is_too_large_is_not_asked_for(server: Gunicorn) -> None:
    """The refusal comes instead, and no byte of the body is sent."""
    with server.connect() as peer:
        peer.sendall(head(MIB + 1, "Expect: 100-continue"))
        received = receive(peer, b"}")

    assert received.startswith(b"HTTP/1.1 413")
    assert b"100 Continue" not in received


GARBAGE = {
    "no HTTP": b"\x00\xff\x13garbage\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + b"\x00" * 40 + b"\r\n\r\n",
    "no method": b"/score HTTP/1.1\r\n\r\n",
    "a length that is none": head(0).replace(b"Content-Length: 0", b"Content-Length: many"),
    "two lengths": head(0, "Content-Length: 7"),
    "a chunk that is none": b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
def test_what_is_no_request_is_a_400_and_the_end_of_the_connection(server: Gunicorn, data: bytes) -> None:
    """Everybody else is served as before."""
    with server.connect() as peer:
        peer.sendall(data)
        received = until_end(peer)

    assert received.startswith(b"HTTP/1.1 400")
    assert 200 == server.ask(body="{}").status


@pytest.mark.parametrize("sent", [b"", b'{"a'], ids=["before the body", "within the body"])
def test_a_client_that_leaves_before_its_request_is_complete_is_not_scored(server: Gunicorn, sent: bytes) -> None:
    """There is nothing to score."""
    before = server.scored()
    with server.connect() as peer:
        peer.sendall(head(20) + sent)

    assert 200 == server.ask(body="{}").status
    assert len(before) + 1 == len(server.scored())


def test_what_waits_for_a_client_that_has_left_is_never_scored(start: Serve) -> None:
    """While the model is busy, a client leaves: its place in the queue is free for another at once."""
    server, _ = start(BATCHING="off", QUEUE_MAX="1")
    busy = server.later(n="busy", until="free")
    server.wait_scoring("busy")
    with server.connect() as leaver:
        leaver.sendall(head(13) + b'{"n": "gone"}')
        assert 200 == server.ask("/livez").status
        assert 503 == server.score(n="refused").status
    later = server.later(n="stays")

    def accepted() -> bool:
        nonlocal later
        # Whatever was sent before a probe was answered has been looked at, and a refusal comes at once.
        assert 200 == server.ask("/livez").status
        if later.is_answered:
            later.join()
            later = server.later(n="stays")
            return False
        return True

    wait_until(accepted, 5, "a place in the queue")
    server.open_gate("free")

    assert (200, 200) == (busy.join().status, later.join().status)
    assert [["busy"], ["stays"]] == server.scored()


@pytest.mark.parametrize(
    ("begin", "piece"), [(b"X-Long: ", b"x" * 4096), (b"", b"X-A: b\r\n" * 512)], ids=["one that does not end", "many"]
)
def test_headers_that_do_not_end_are_refused(server: Gunicorn, begin: bytes, piece: bytes) -> None:
    """After 64 KiB and what comes with the last of them: 431 in JSON, and the connection ends."""
    with server.connect() as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + begin)
        pieces = 0
        while not select.select([peer], [], [], 0.02)[0] and pieces < 64:
            peer.sendall(piece)
            pieces += 1
        refusal = receive(peer, b"(none" if pieces == 64 else b"bytes.")

    assert refusal.startswith(b"HTTP/1.1 431 ")
    assert b"longer than 65536 bytes" in refusal
