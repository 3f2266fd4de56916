"""From the queue to the workers and back: who goes with whom, and what becomes of requests whose worker has died."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from puncheon_runner.protocol import PARSED, TEXT, Answer, Frame, Request, pack_frame
from puncheon_server.backend import Backend, Link
from puncheon_server.jobs import Job, Queue, Result, refusal
from puncheon_server.limits import Limits
from puncheon_server.parsing import parsed

SWEEP_S = 0.05
"""How often the requests that wait are looked at: whether they have waited for too long, or their client has left."""

VERDICT_S = 2.0
"""How long the runner may take to say why a worker died."""

TIMEOUT = "Scoring timeout after {ms} ms"
MEMORY = "The model ran out of memory while it scored this request{limit}."
DIED = "The model's process ended while it scored this request ({why})."


@dataclass(eq=False)
class Flight:
    """A frame under way.

    Attributes
    ----------
    number
        Of this process's frames.
    jobs
        Its requests, in order; answered ones are None.
    open
        How many are not answered yet.
    deaths
        How often workers of this place had died when the link was made.
    """

    number: int
    jobs: list[Job | None]
    open: int
    deaths: int


class Dispatcher:
    """Hands waiting requests to idle workers; whatever has arrived while all were busy is the next frame."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.queue = Queue(limits)
        self.backend = Backend(limits.control_socket, self._state_changed)
        self._links: dict[int, Link] = {}
        self._connecting: set[int] = set()
        self._idle: list[Link] = []
        self._number = 0
        self._pumping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._was_ready = False
        self._flights: set[Flight] = set()
        self._seconds = 0.0

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._loop = asyncio.get_running_loop()
        for task in (self.backend.follow(), self._sweep()):
            self._spawn(task)

    async def stop(self) -> None:
        """End all that was begun."""
        for task in list(self._tasks):
            task.cancel()
        for link in list(self._links.values()):
            link.close()

    # ---- admission

    def refused(self, size: int) -> Result | None:
        """Return the answer to a request that cannot be admitted, or None; ``size`` is its body's, in bytes."""
        if size > self.limits.body_bytes:
            return refusal(413, f"The request body is larger than {self.limits.body_bytes >> 20} MiB (MAX_BODY_MB).")
        if not self._was_ready or self.backend.state["state"] == "failed":
            return refusal(503, f"The model is not ready: {self.backend.state['reason']}.", 1)
        if not self.queue.has_room(size):
            return refusal(
                503, f"The queue is full: {len(self.queue)} requests wait (QUEUE_MAX).", self._retry_after_s()
            )
        return None

    def submit(
        self, id: bytes, head: bytes, body: bytes | bytearray, client_left: Callable[[], Awaitable[None]]
    ) -> Job:
        """Let an admitted request wait for its turn; ``client_left`` returns when nobody waits for it any more."""
        form = TEXT
        if self.backend.state.get("takes_parsed"):
            found = parsed(body)
            if found is not None:
                body, form = found, PARSED
        job = Job(id, body, self._loop.create_future(), client_left, form, head)
        self.queue.add(job)
        self._pump_soon()
        return job

    def _retry_after_s(self) -> int:
        """Return a guess of when the queue will have gone, in whole seconds."""
        return max(1, min(60, math.ceil(self._seconds * len(self.queue) / max(1, len(self._links)))))

    # ---- dispatch

    def _pump_soon(self) -> None:
        """Dispatch once all that arrives in this turn of the loop has arrived."""
        if not self._pumping:
            self._pumping = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._pumping = False
        most = self.limits.batch_count if self.backend.state.get("batching") else 1
        while self._idle and (jobs := self.queue.take(most)):
            self._send(self._next_idle(), jobs)

    def _next_idle(self) -> Link:
        """Take an idle worker: of several HTTP processes each begins with another one."""
        if len(self._idle) == 1:
            return self._idle.pop()
        places = len(self.backend.state["workers"]) or 1
        chosen = min(self._idle, key=lambda link: (link.slot + os.getpid()) % places)
        self._idle.remove(chosen)
        return chosen

    def _send(self, link: Link, jobs: list[Job]) -> None:
        self._number = (self._number + 1) & 0xFFFFFFFF
        link.frame = Flight(self._number, list(jobs), len(jobs), link.deaths)
        self._flights.add(link.frame)
        requests = [Request(job.id, job.body, job.head, job.form) for job in jobs]
        link.send(pack_frame(Frame(requests, self.limits.scoring_ms, os.getpid(), self._number)))

    def _answered(self, link: Link, answers: list[Answer], seconds: float) -> None:
        flight = link.frame
        for index, status, body, head in answers:
            job = flight.jobs[index]
            flight.jobs[index] = None
            job.finish(Result(status, body, seconds or None, head=head))
        flight.open -= len(answers)
        if not flight.open:
            self._seconds = seconds / len(flight.jobs)
            self._flights.discard(flight)
            link.frame = None
            self._idle.append(link)
            if self.queue:
                self._pump_soon()

    # ---- workers come and go

    def _state_changed(self) -> None:
        if self.backend.is_ready:
            self._was_ready = True
        for worker in self.backend.state["workers"]:
            slot = worker["slot"]
            if worker["ready"] and slot not in self._links and slot not in self._connecting:
                self._connecting.add(slot)
                self._spawn(self._connect(slot, worker["socket"]))

    async def _connect(self, slot: int, path: str) -> None:
        try:
            _, link = await self._loop.create_unix_connection(lambda: Link(slot, self._answered, self._lost), path)
        except OSError:
            await asyncio.sleep(0.01)
            self._connecting.discard(slot)
            self._state_changed()
            return
        self._connecting.discard(slot)
        link.deaths = self._deaths(slot)
        self._links[slot] = link
        self._idle.append(link)
        self._pump_soon()

    def _lost(self, link: Link) -> None:
        if self._links.get(link.slot) is link:
            del self._links[link.slot]
        with contextlib.suppress(ValueError):
            self._idle.remove(link)
        flight, link.frame = link.frame, None
        # Until the runner has said what became of the worker, its place is not to be connected to.
        self._connecting.add(link.slot)
        self._spawn(self._bury(link.slot, flight or Flight(0, [], 0, link.deaths)))

    async def _bury(self, slot: int, flight: Flight) -> None:
        """Find out why a worker died, then answer those who caused it and let the others wait again."""
        deadline = time.monotonic() + VERDICT_S
        while self._deaths(slot) <= flight.deaths and time.monotonic() < deadline and self._has_slot(slot):
            await asyncio.sleep(0.002)
        self._flights.discard(flight)
        self._connecting.discard(slot)
        death = self._death(slot) if self._deaths(slot) > flight.deaths else None
        suspects = _suspects(death, flight)
        again: list[Job] = []
        for index, job in enumerate(flight.jobs):
            if job is None or job.future.done():
                continue
            if index in suspects:
                job.tries += 1
                verdict = self._verdict(job, death or {"why": "unknown"}, alone=len(suspects) == 1)
                if verdict is not None:
                    job.finish(verdict)
                    continue
                job.alone = True
            again.append(job)
        self.queue.put_back(again)
        self._state_changed()
        self._pump_soon()

    def _verdict(self, job: Job, death: dict[str, Any], alone: bool) -> Result | None:
        """Return the answer to a request that a worker died with, or None if it is to be scored again, alone."""
        if death["why"] == "timeout" and (alone or not self.limits.retry):
            return refusal(504, TIMEOUT.format(ms=self.limits.scoring_ms))
        if death["why"] == "memory" and (alone or not self.limits.retry):
            return refusal(500, MEMORY.format(limit=_memory_limit()))
        if not self.limits.retry or (alone and job.tries > 1):
            return refusal(500, DIED.format(why=death["why"]))
        return None

    def _worker(self, slot: int) -> dict[str, Any]:
        for worker in self.backend.state["workers"]:
            if worker["slot"] == slot:
                return dict(worker)
        return {}

    def _has_slot(self, slot: int) -> bool:
        return bool(self._worker(slot))

    def _deaths(self, slot: int) -> int:
        return int(self._worker(slot).get("deaths", 0))

    def _death(self, slot: int) -> dict[str, Any] | None:
        return self._worker(slot).get("last_death")

    # ---- what waits for too long

    async def _sweep(self) -> None:
        """Look at all requests that wait, again and again; most are answered before they are ever looked at."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = time.monotonic()
            in_flight = [job for flight in self._flights for job in flight.jobs if job is not None]
            for job in (*self.queue, *in_flight):
                if now - job.arrived > self.limits.request_s:
                    job.finish(refusal(504, f"No answer within {self.limits.request_s:g} s (WORKER_TIMEOUT)."))
                elif not job.watched and now - job.arrived > SWEEP_S:
                    job.watched = True
                    self._watch(job)
            self.queue.drop_answered()

    def _watch(self, job: Job) -> None:
        """Give a request up once its client has left: what still waits is then never scored."""

        async def give_up() -> None:
            await job.client_left()
            job.finish(refusal(499, "The client has left."))

        task = self._spawn(give_up())
        job.future.add_done_callback(lambda _: task.cancel())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _suspects(death: dict[str, Any] | None, flight: Flight) -> set[int]:
    """Return the indexes of the requests that a worker was scoring when it died; all where that is not known."""
    open_ = {index for index, job in enumerate(flight.jobs) if job is not None}
    if death is None:
        return open_
    scoring = death.get("scoring")
    if scoring is None or scoring["client"] != os.getpid() or scoring["frame"] != flight.number:
        return set()  # it had not begun with this frame
    return open_ & set(scoring["requests"])


def _memory_limit() -> str:
    from puncheon_runner.memory import limit_bytes

    limit = limit_bytes()
    return f" (the container's limit is {limit >> 20} MiB)" if limit else ""
