"""Frames of requests and messages of answers, as bytes and back."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puncheon_runner.protocol import (
    FRAME,
    LONGEST_MS,
    MAX_COUNT,
    MESSAGE,
    PARSED,
    REQUEST,
    TEXT,
    Answer,
    Frame,
    Request,
    pack_frame,
    pack_message,
    unpack_frame,
    unpack_messages,
)

U32 = st.integers(0, 2**32 - 1)
REQUESTS = st.lists(
    st.builds(Request, *[st.binary(max_size=300)] * 3, st.sampled_from([TEXT, PARSED])),
    max_size=20,
)
FRAMES = st.builds(Frame, REQUESTS, limit_ms=U32, client=U32, number=U32)
ANSWERS = st.lists(
    st.builds(Answer, st.integers(0, MAX_COUNT - 1), st.integers(100, 599), *[st.binary(max_size=300)] * 2), max_size=20
)


def packed(frame: Frame) -> tuple[bytes, bytes]:
    """Return a frame's header and what follows."""
    data = b"".join(pack_frame(frame))
    return data[: FRAME.size], data[FRAME.size :]


def plain(frame: Frame) -> Frame:
    """Return a frame whose bodies are bytes."""
    return frame._replace(requests=[request._replace(body=bytes(request.body)) for request in frame.requests])


@given(FRAMES)
def test_a_frame_arrives_as_it_was_sent(frame: Frame) -> None:
    """Ids, heads, bodies and their forms, limit, sender and number."""
    assert frame == plain(unpack_frame(*packed(frame)))


@given(FRAMES)
def test_the_header_tells_how_much_follows(frame: Frame) -> None:
    """A reader needs nothing else to know a frame's end."""
    header, content = packed(frame)

    assert len(content) == FRAME.unpack(header)[0]


@given(FRAMES.filter(lambda frame: frame.requests), st.integers(1, 50))
def test_a_frame_that_is_cut_off_is_refused(frame: Frame, missing: int) -> None:
    """Whatever is missing at the end."""
    header, content = packed(frame)

    with pytest.raises((ValueError, struct.error)):
        unpack_frame(header, content[:-missing])


@given(FRAMES, st.binary(min_size=1))
def test_a_frame_with_more_than_it_says_is_refused(frame: Frame, more: bytes) -> None:
    """Bytes after the last body."""
    header, content = packed(frame)

    with pytest.raises((ValueError, struct.error)):
        unpack_frame(header, content + more)


@given(st.binary(min_size=FRAME.size, max_size=FRAME.size), st.binary(max_size=200))
def test_any_other_bytes_are_refused_or_make_a_frame(header: bytes, content: bytes) -> None:
    """No other error than the two that are announced."""
    try:
        frame = unpack_frame(header, content)
    except (ValueError, struct.error):
        return
    sizes = sum(REQUEST.size + len(request.id) + len(request.body) for request in frame.requests)
    assert sizes == len(content)


def test_the_largest_frame() -> None:
    """As many requests as a frame may have, and a body of 20 MB among them."""
    requests = [Request(b"%d" % number, b"{}") for number in range(MAX_COUNT - 1)]
    frame = Frame([*requests, Request(b"x" * 100, b"[" * 20_000_000)], 1, 2, 3)

    assert frame == plain(unpack_frame(*packed(frame)))


@pytest.mark.parametrize(
    ("requests", "client"),
    [([Request(b"", b"")] * 2**16, 1), ([Request(b"x" * 2**16, b"")], 1), ([], 2**32)],
    ids=["too many requests", "too long an id", "too large a sender"],
)
def test_what_does_not_fit_its_field_is_refused(requests: list[Request], client: int) -> None:
    """And never cut to size in silence."""
    with pytest.raises(struct.error):
        pack_frame(Frame(requests, 1, client, 1))


def test_no_limit_is_too_long() -> None:
    """Beyond what its field holds (49 days) it is that."""
    assert LONGEST_MS == unpack_frame(*packed(Frame([], 2**40, 1, 1))).limit_ms
    assert LONGEST_MS == next(unpack_messages(bytearray(pack_message([], 2**40))))[1]


@given(st.lists(st.tuples(ANSWERS, U32), max_size=5), st.integers(1, 100))
def test_messages_arrive_whatever_the_pieces(messages: list[tuple[list[Answer], int]], size: int) -> None:
    """Each as soon as its last byte has come, and nothing is left of it."""
    data = b"".join(pack_message(*message) for message in messages)
    buffer, found = bytearray(), []

    for at in range(0, len(data), size):
        buffer += data[at : at + size]
        found += list(unpack_messages(buffer))

    assert messages == found
    assert not buffer


@given(ANSWERS, st.integers(1, 40))
def test_an_unfinished_message_is_waited_for(answers: list[Answer], missing: int) -> None:
    """It stays in the buffer."""
    data = pack_message(answers, 7)
    buffer = bytearray(data[: -min(missing, len(data))])

    assert [] == list(unpack_messages(buffer))
    assert len(buffer) == max(0, len(data) - missing)
    assert MESSAGE.size <= len(data)
