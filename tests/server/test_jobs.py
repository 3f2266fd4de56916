"""The queue: what is taken together, what is refused, what comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import pytest

from puncheon_server.jobs import Job, Queue, Result
from puncheon_server.limits import Limits

MakeJob = Callable[..., Job]


@pytest.fixture
def job() -> Iterator[MakeJob]:
    """Make requests: by body, perhaps answered already, perhaps to be scored alone."""
    loop = asyncio.new_event_loop()

    async def never() -> None:
        await loop.create_future()

    def make(body: str, *, answered: bool = False, alone: bool = False) -> Job:
        made = Job(b"", body.encode(), loop.create_future(), never, alone=alone)
        if answered:
            made.finish(Result(499, b""))
        return made

    yield make
    loop.close()


def queue_of(*jobs: Job, **limits: int) -> Queue:
    queue = Queue(Limits("model.sock", **limits))
    for one in jobs:
        queue.add(one)
    return queue


def bodies(jobs: Sequence[Job]) -> list[str]:
    return [one.body.decode() for one in jobs]


def frames(queue: Queue, most: int = 10) -> list[list[str]]:
    """Take frame after frame until nothing waits."""
    taken = []
    while len(queue):
        taken.append(bodies(queue.take(most)))
    return taken


def test_all_that_waits_is_one_frame_oldest_first(job: MakeJob) -> None:
    """No timer and no least number."""
    assert [["a", "b", "c"]] == frames(queue_of(job("a"), job("b"), job("c")))


def test_a_frame_has_at_most_so_many_requests(job: MakeJob) -> None:
    """The rest waits for the next."""
    assert [["a", "b"], ["c"]] == frames(queue_of(job("a"), job("b"), job("c")), most=2)


def test_a_frame_has_at_most_so_many_bytes(job: MakeJob) -> None:
    """A body that does not fit begins the next frame, and one that is too large for any goes alone."""
    queue = queue_of(job("aa"), job("bb"), job("ccc"), job("d" * 9), job("e"), batch_bytes=4)

    assert [["aa", "bb"], ["ccc"], ["d" * 9], ["e"]] == frames(queue)


def test_what_nobody_waits_for_is_not_taken(job: MakeJob) -> None:
    """Requests that were given up are dropped on the way, and do not count."""
    queue = queue_of(job("a", answered=True), job("b"), job("c", answered=True), job("d"))

    assert [["b", "d"]] == frames(queue, most=2)


def test_a_queue_of_dropped_requests_gives_nothing(job: MakeJob) -> None:
    """And is empty then, in bytes too."""
    queue = queue_of(job("a", answered=True), job("b", answered=True))

    assert ([], 0, 0) == (queue.take(10), len(queue), queue.bytes)


def test_dropped_requests_take_no_place(job: MakeJob) -> None:
    """A queue is not full of those whose clients have left."""
    queue = queue_of(job("a", answered=True), job("b"), job("c", answered=True))
    queue.put_back([job("d", answered=True)])

    queue.drop_answered()

    assert (["b"], 1) == (bodies(list(queue)), queue.bytes)


@pytest.mark.parametrize("place", [0, 1, 2], ids=["first", "between", "last"])
def test_a_request_that_must_be_alone_is(job: MakeJob, place: int) -> None:
    """Wherever it stands, and the order stays."""
    jobs = [job("a"), job("b"), job("c")]
    jobs[place].alone = True

    taken = frames(queue_of(*jobs))

    assert ["a", "b", "c"] == [body for frame in taken for body in frame]
    assert ["abc"[place]] in taken


def test_what_is_put_back_comes_first_in_its_order(job: MakeJob) -> None:
    """Before all that came later."""
    first, second = job("a"), job("b")
    queue = queue_of(job("c"))

    queue.put_back([first, second])

    assert (3, 3) == (len(queue), queue.bytes)
    assert ["a", "b", "c"] == bodies(list(queue))
    assert ["a", "b", "c"] == [body for frame in frames(queue) for body in frame]


def test_what_is_put_back_has_room_whatever_the_limits(job: MakeJob) -> None:
    """It was accepted."""
    queue = queue_of(job("c"), queue_count=1)

    queue.put_back([job("a"), job("b")])

    assert 3 == len(queue)


ROOM = {
    "empty": ([], 1, True),
    "empty, larger than all that may wait": ([], 99, True),
    "one more": (["a"], 1, True),
    "full by number": (["a", "b", "c"], 1, False),
    "just full by bytes": (["aaa"], 5, True),
    "full by bytes": (["aaa"], 6, False),
}


@pytest.mark.parametrize(("waiting", "size", "expected"), ROOM.values(), ids=ROOM.keys())
def test_a_queue_is_full_by_number_or_by_bytes(job: MakeJob, waiting: list[str], size: int, expected: bool) -> None:
    """An empty one takes anything."""
    queue = queue_of(*map(job, waiting), queue_count=3, queue_bytes=8)

    assert expected == queue.has_room(size)


def test_bytes_are_counted_down_as_requests_are_taken(job: MakeJob) -> None:
    """Else a queue would be full for ever."""
    queue = queue_of(job("aa"), job("bbb"), queue_bytes=5)

    queue.take(1)

    assert (3, True) == (queue.bytes, queue.has_room(2))


def test_a_request_is_answered_once(job: MakeJob) -> None:
    """The first answer counts."""
    one = job("a")

    one.finish(Result(200, b"1"))
    one.finish(Result(504, b"2"))

    assert Result(200, b"1") == one.future.result()
