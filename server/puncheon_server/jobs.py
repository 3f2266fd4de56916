"""A request on its way to the model, and the queue in which it waits."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from puncheon_runner.protocol import TEXT
from puncheon_server.limits import Limits


class Result(NamedTuple):
    """What a request is answered with.

    Attributes
    ----------
    seconds
        How long the model took; None where it did not answer.
    retry_after_s
        When the client may try again.
    head
        The headers that the entry script has chosen, as the runner's protocol has them.
    """

    status: int
    body: bytes
    seconds: float | None = None
    retry_after_s: int | None = None
    head: bytes = b""


def refusal(status: int, text: str, retry_after_s: int | None = None) -> Result:
    """Return an answer that is not the model's."""
    return Result(status, json.dumps({"message": text}).encode(), None, retry_after_s)


@dataclass(eq=False, slots=True)
class Job:
    """One request.

    Attributes
    ----------
    client_left
        Returns when nobody waits for the answer any more.
    form
        The body's, as the runner's protocol has it.
    arrived
        ``time.monotonic`` at its arrival.
    tries
        How many workers have died with it.
    alone
        Whether it must not share a frame any more.
    watched
        Whether somebody looks whether its client is still there.
    """

    id: bytes
    body: bytes | bytearray
    future: asyncio.Future[Result]
    client_left: Callable[[], Awaitable[None]]
    form: int = TEXT
    head: bytes = b""
    arrived: float = field(default_factory=time.monotonic)
    tries: int = 0
    alone: bool = False
    watched: bool = False

    def finish(self, result: Result) -> None:
        """Answer it, unless it has been answered or given up."""
        if not self.future.done():
            self.future.set_result(result)


class Queue:
    """Requests that wait, oldest first; those that must be scored alone come before all others."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._jobs: deque[Job] = deque()
        self._first: deque[Job] = deque()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._jobs) + len(self._first)

    def __iter__(self) -> Iterator[Job]:
        yield from self._first
        yield from self._jobs

    def has_room(self, size: int) -> bool:
        """Whether a body of ``size`` bytes may still wait; an empty queue takes any."""
        limits = self._limits
        return not self or (len(self) < limits.queue_count and self.bytes + size <= limits.queue_bytes)

    def add(self, job: Job) -> None:
        """Let a new request wait."""
        self._jobs.append(job)
        self.bytes += len(job.body)

    def put_back(self, jobs: list[Job]) -> None:
        """Let requests wait again, before all that came after them, whatever the limits."""
        for job in reversed(jobs):
            self._first.appendleft(job)
            self.bytes += len(job.body)

    def drop_answered(self) -> None:
        """Let go of the requests that nobody waits for any more, so that they take no place from others."""
        for waiting in (self._first, self._jobs):
            kept = [job for job in waiting if not job.future.done()]
            if len(kept) < len(waiting):
                self.bytes -= sum(len(job.body) for job in waiting if job.future.done())
                waiting.clear()
                waiting.extend(kept)

    def take(self, most: int) -> list[Job]:
        """Return the next requests for one frame, at most ``most``; those that nobody waits for are dropped."""
        taken: list[Job] = []
        size = 0
        while (waiting := self._first or self._jobs) and len(taken) < most:
            job = waiting[0]
            if not job.future.done():
                if taken and (job.alone or size + len(job.body) > self._limits.batch_bytes):
                    break
                taken.append(job)
                size += len(job.body)
            waiting.popleft()
            self.bytes -= len(job.body)
            if taken and job.alone and job is taken[-1]:
                break
        return taken
