"""The frames between the HTTP side and a model worker, on a Unix stream socket; both sides use this module.

A request frame asks for N answers.  Answers come in one or more messages, each with some of the N: those that shared a
predict arrive together.  All numbers are in network byte order.

    request frame   size u32 (all after the header), count u16, reserved u16, limit u32 ms, client u32, number u32
                    count x (id size u16, head size u16, form u16, reserved u16, body size u32);
                    then ids; then heads; then bodies
    answer message  size u32 (all after the header), count u16, reserved u16, duration u32 us
                    count x (place u16, status u16, head size u32, body size u32); then head and body of each

A head is JSON, or nothing.  Of a request it is ``{"method", "path", "query", "client", "headers"}``, sent where the
entry script asks for it; of an answer ``{"headers"}``, where the script has chosen any, or ``{"failed": false}`` where
it has succeeded although the status is a failure's.  Headers are a list of ``[name, value]``.
"""

from __future__ import annotations

import struct
from typing import Iterator, NamedTuple, Sequence, Union

FRAME = struct.Struct("!IHHIII")
REQUEST = struct.Struct("!HHHHI")
MESSAGE = struct.Struct("!IHHI")
ANSWER = struct.Struct("!HHII")

TEXT, PARSED = 0, 1
"""Forms of a request's body: as the client sent it, or the JSON in it as marshal (version 2) writes it."""

MAX_COUNT = 1000
"""Most requests of one frame."""

MAX_HEAD = 2**16 - 1
"""Longest head of a request, in bytes."""

LONGEST_MS = 2**32 - 1


Buffer = Union[bytes, bytearray, memoryview]


class Request(NamedTuple):
    """One request, as the client sent it: its id (for the log, at most 100 characters of ASCII), body and head.

    ``form`` says what the body is: TEXT, or PARSED.
    """

    id: bytes
    body: Buffer
    head: bytes = b""
    form: int = TEXT


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
    """One answer: the place of its request in the frame, an HTTP status, a body, and a head."""

    place: int
    status: int
    body: bytes
    head: bytes = b""


def pack_frame(frame: Frame) -> list[Buffer]:
    """Return a request frame as buffers to be written one after the other; the bodies are not copied.

    Raises
    ------
    struct.error
        If a count or size does not fit its field (bodies of 4 GiB and more).
    """
    requests = frame.requests
    entries = [
        REQUEST.pack(len(request.id), len(request.head), request.form, 0, len(request.body)) for request in requests
    ]
    content = b"".join(entries + [request.id for request in requests] + [request.head for request in requests])
    size = len(content) + sum(len(request.body) for request in requests)
    limit_ms = min(frame.limit_ms, LONGEST_MS)
    header = FRAME.pack(size, len(requests), 0, limit_ms, frame.client, frame.number)
    return [header + content, *(request.body for request in requests)]


def unpack_frame(header: bytes | bytearray, content: bytes | bytearray) -> Frame:
    """Return the frame of a header and the bytes after it; its bodies are views of ``content``.

    Raises
    ------
    ValueError, struct.error
        If the sizes inside do not add up.
    """
    _, count, _, limit_ms, client, number = FRAME.unpack(header)
    view = memoryview(content)
    id_at = count * REQUEST.size
    entries = list(REQUEST.iter_unpack(view[:id_at]))
    head_at = id_at + sum(entry[0] for entry in entries)
    body_at = head_at + sum(entry[1] for entry in entries)
    requests = []
    for id_size, head_size, form, _, body_size in entries:
        request_id, head = view[id_at : id_at + id_size], view[head_at : head_at + head_size]
        requests.append(Request(bytes(request_id), view[body_at : body_at + body_size], bytes(head), form))
        id_at += id_size
        head_at += head_size
        body_at += body_size
    if body_at != len(content):
        raise ValueError("a frame's sizes do not add up")
    return Frame(requests, limit_ms, client, number)


def pack_message(answers: Sequence[Answer], duration_us: int) -> bytes:
    """Return an answer message as bytes; ``duration_us`` is how long the script took for all of them."""
    content = b"".join(
        [ANSWER.pack(answer.place, answer.status, len(answer.head), len(answer.body)) for answer in answers]
        + [part for answer in answers for part in (answer.head, answer.body)]
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
        for place, status, head_size, body_size in ANSWER.iter_unpack(content[:at]):
            body_at = at + head_size
            answers.append(Answer(place, status, content[body_at : body_at + body_size], content[at:body_at]))
            at = body_at + body_size
        yield answers, duration_us
