"""The frames between the HTTP side and a model worker, on a Unix stream socket; both sides use this module.

A request frame asks for N answers.  Answers come in one or more messages, each with some of the N: those that shared a
predict arrive together.  All numbers are in network byte order.

    request frame   size u32 (all after the header), count u16, reserved u16, limit u32 ms, client u32, number u32
                    count x (id size u16, reserved u16, body size u32); then id and body of each request
    answer message  size u32 (all after the header), count u16, reserved u16, duration u32 us
                    count x (index u16, status u16, body size u32); then the bodies
"""

from __future__ import annotations

import struct
from typing import Iterator, NamedTuple, Sequence

FRAME = struct.Struct("!IHHIII")
REQUEST = struct.Struct("!HHI")
MESSAGE = struct.Struct("!IHHI")
ANSWER = struct.Struct("!HHI")

MAX_COUNT = 1000
"""Most requests of one frame."""

LONGEST_MS = 2**32 - 1


class Request(NamedTuple):
    """One request: its id (for the log, at most 100 characters of ASCII) and its body, as the client sent them."""

    id: bytes
    body: bytes


class Frame(NamedTuple):
    """A request frame.

    Attributes
    ----------
    limit_ms
        Time that one request may take alone.
    client, number
        Who sent it (a process id) and which of its frames it is: what the supervisor names if the worker dies.
    """

    requests: Sequence[Request]
    limit_ms: int
    client: int
    number: int


class Answer(NamedTuple):
    """One answer: the place of its request in the frame, an HTTP status, a body of JSON."""

    place: int
    status: int
    body: bytes


def pack_frame(frame: Frame) -> bytes:
    """Return a request frame as bytes.

    Raises
    ------
    struct.error
        If a count or size does not fit its field (bodies of 4 GiB and more).
    """
    entries, parts = [], []
    for request in frame.requests:
        entries.append(REQUEST.pack(len(request.id), 0, len(request.body)))
        parts.append(request.id)
        parts.append(request.body)
    content = b"".join(entries + parts)
    limit_ms = min(frame.limit_ms, LONGEST_MS)
    return FRAME.pack(len(content), len(frame.requests), 0, limit_ms, frame.client, frame.number) + content


def unpack_frame(header: bytes, content: bytes) -> Frame:
    """Return the frame of a header and the bytes after it.

    Raises
    ------
    ValueError, struct.error
        If the sizes inside do not add up.
    """
    _, count, _, limit_ms, client, number = FRAME.unpack(header)
    return Frame([Request(*pair) for pair in _requests(content, count)], limit_ms, client, number)


def _requests(content: bytes, count: int) -> Iterator[tuple[bytes, bytes]]:
    view = memoryview(content)
    at = count * REQUEST.size
    for id_size, _, body_size in REQUEST.iter_unpack(view[:at]):
        body_at, end = at + id_size, at + id_size + body_size
        yield bytes(view[at:body_at]), bytes(view[body_at:end])
        at = end
    if at != len(content):
        raise ValueError("a frame's sizes do not add up")


def pack_message(answers: Sequence[Answer], duration_us: int) -> bytes:
    """Return an answer message as bytes; ``duration_us`` is how long the script took for all of them."""
    content = b"".join(
        [ANSWER.pack(answer.place, answer.status, len(answer.body)) for answer in answers]
        + [answer.body for answer in answers]
    )
    return MESSAGE.pack(len(content), len(answers), 0, min(duration_us, LONGEST_MS)) + content


def unpack_messages(data: bytearray) -> Iterator[tuple[list[Answer], int]]:
    """Take every complete answer message off the front of ``data``; yield its answers and their duration in us."""
    while len(data) >= MESSAGE.size:
        size, count, _, duration_us = MESSAGE.unpack_from(data)
        end = MESSAGE.size + size
        if len(data) < end:
            return
        content = bytes(memoryview(data)[MESSAGE.size : end])
        del data[:end]
        at = count * ANSWER.size
        answers = []
        for index, status, body_size in ANSWER.iter_unpack(content[:at]):
            answers.append(Answer(index, status, content[at : at + body_size]))
            at += body_size
        yield answers, duration_us
