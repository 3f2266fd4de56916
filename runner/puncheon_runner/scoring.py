"""How a frame of requests is answered: read each, group those that may share a call, redo failing groups one by one.

A script that raises SystemExit or KeyboardInterrupt has failed as with any other exception: its worker goes on.
"""

from __future__ import annotations

import marshal
import time
from typing import Any, Callable, Iterator, NamedTuple, Sequence

from puncheon_runner import answers
from puncheon_runner.calling import text
from puncheon_runner.entry_script import EntryScript, Prepared
from puncheon_runner.protocol import PARSED, Answer, Frame, Request

PATIENCE_S = 1.0
"""The least that a shared call may take before it is taken for a hang, unless the limit itself is shorter."""

PATIENCE_SHARE = 4
"""A shared call's least patience is at most this part of the limit: the hanging request's answer must not be late."""

PATIENCE_FACTOR = 20
"""How many times longer than the slowest recent call a shared call may take."""

FORGETTING = 0.99
"""The slowest recent call counts for less by this factor with each call."""

RECENT = 0.9
"""A call's share in the seconds that a row takes is less by this factor with each further call."""

ROW_FACTOR = 5
"""How many times longer than by the recent calls' seconds a row a shared call may take."""

EXPECTED_SHARE = 2
"""A shared call has no more rows than are expected to take this part of the limit."""


class Group(NamedTuple):
    """Requests that share a call.

    Attributes
    ----------
    indexes
        Their places in the frame.
    items
        What the script made of them.
    rows
        Their rows, all together.
    """

    indexes: Sequence[int]
    items: Sequence[Any]
    rows: int


Guard = Callable[[Sequence[int], float], None]
"""Told before each call which requests it is for and how many seconds it may take; (), 0 after it."""


class Scoring:
    """A script and what is known of its speed.

    Parameters
    ----------
    script
        A loaded script, after ``init()``.
    batching
        Whether requests may share a call.
    max_rows
        Most rows of a shared call.
    guard
        Told before and after each call of the script.
    """

    def __init__(self, script: EntryScript, batching: bool, max_rows: int, guard: Guard) -> None:
        self._script = script
        self._batching = batching and script.can_batch
        self._max_rows = max_rows
        self._guard = guard
        self._slowest_s = 0.0
        self._recent_s = 0.0
        self._recent_rows = 0.0

    def learn(self, seconds: float, rows: int = 1) -> None:
        """Take note of how long a call took; where its rows are not known it is taken for one."""
        self._slowest_s = max(seconds, self._slowest_s * FORGETTING)
        self._recent_s = self._recent_s * RECENT + seconds
        self._recent_rows = self._recent_rows * RECENT + rows

    def answer(self, frame: Frame) -> Iterator[tuple[list[Answer], float]]:
        """Yield answers as soon as they are known, with the seconds that they took; each request is answered once."""
        limit_s = frame.limit_ms / 1000
        shares = self._batching and len(frame.requests) > 1
        if not shares:
            for index, request in enumerate(frame.requests):
                if request.form == PARSED:
                    yield from self._alone_parsed(frame, index, limit_s)
                else:
                    yield self._alone(index, request, limit_s)
            return
        refused, groups = self._groups(frame, limit_s)
        if refused:
            yield refused, 0.0
        for group in groups:
            yield from self._together(frame, group, limit_s)

    def _groups(self, frame: Frame, limit_s: float) -> tuple[list[Answer], list[Group]]:
        """Read every request; return answers to those at fault, and the others in groups."""
        refused: list[Answer] = []
        alone: list[Group] = []
        open_groups: dict[Any, tuple[list[int], list[Any], list[int]]] = {}
        full: list[Group] = []
        most = self.most_rows(limit_s)
        self._guard(range(len(frame.requests)), limit_s)
        for index, request in enumerate(frame.requests):
            try:
                key, item, count = self._read(request)
                if key is None:
                    alone.append(Group((index,), (item,), count))
                    continue
                indexes, items, rows = open_groups.setdefault(key, ([], [], [0]))
                total = rows[0] + count
            except BaseException as error:
                refused.append(Answer(index, *_refusal(error, request)))
                continue
            if items and total > most:
                full.append(Group(tuple(indexes), tuple(items), rows[0]))
                del indexes[:], items[:]
                total = count
            indexes.append(index)
            items.append(item)
            rows[0] = total
        self._guard((), 0)
        shared = [
            Group(tuple(indexes), tuple(items), rows[0]) for indexes, items, rows in open_groups.values() if items
        ]
        return refused, full + shared + alone

    def _read(self, request: Request) -> Prepared:
        if request.form == PARSED:
            return self._script.prepare_parsed(marshal.loads(request.body))  # noqa: S302 -- written by our HTTP side
        return self._script.prepare(text(request))

    def _alone_parsed(self, frame: Frame, index: int, limit_s: float) -> Iterator[tuple[list[Answer], float]]:
        request = frame.requests[index]
        self._guard((index,), limit_s)
        try:
            prepared = self._read(request)
        except BaseException as error:
            yield [Answer(index, *_refusal(error, request))], 0.0
            return
        finally:
            self._guard((), 0)
        yield from self._together(frame, Group((index,), (prepared.item,), prepared.rows), limit_s)

    def _together(self, frame: Frame, group: Group, limit_s: float) -> Iterator[tuple[list[Answer], float]]:
        """Answer a group by one call; if that fails, each of its requests by a call of its own."""
        shared = len(group.items) > 1
        if not shared and not self._script.prepares:
            yield self._alone(group.indexes[0], frame.requests[group.indexes[0]], limit_s)
            return
        try:
            results, seconds = self._call(
                lambda: self._script.run_batch(group.items),
                group.indexes,
                self.patience_s(limit_s, group.rows) if shared else limit_s,
                group.rows,
            )
        except BaseException as error:
            if not shared:
                index = group.indexes[0]
                yield [Answer(index, *_refusal(error, frame.requests[index]))], 0.0
                return
        else:
            encoded = [Answer(index, *answers.encode(result)) for index, result in zip(group.indexes, results)]
            yield encoded, seconds
            return
        # Outside the handler: the log then shows each request's own failure, and not that of all before it.
        for index, item in zip(group.indexes, group.items):
            yield from self._together(frame, Group((index,), (item,), 1), limit_s)

    def _alone(self, index: int, request: Request, limit_s: float) -> tuple[list[Answer], float]:
        try:
            result, seconds = self._call(lambda: self._script.call(request), (index,), limit_s)
        except BaseException as error:
            return [Answer(index, *_refusal(error, request))], 0.0
        return [Answer(index, *answers.encode(result))], seconds

    def _call(
        self, call: Callable[[], Any], indexes: Sequence[int], limit_s: float, rows: int = 1
    ) -> tuple[Any, float]:
        self._guard(indexes, limit_s)
        began = time.perf_counter()
        try:
            result = call()
        finally:
            self._guard((), 0)
            seconds = time.perf_counter() - began
            self.learn(seconds, rows)
        return result, seconds

    def patience_s(self, limit_s: float, rows: int) -> float:
        """Return how long a shared call may take; its requests are scored alone afterwards, each with the full limit.

        Below the limit where the script is known to be quicker, so that a request that hangs holds its neighbours up
        for a short time only.
        """
        if not self._slowest_s:
            return limit_s
        floor = min(PATIENCE_S, limit_s / PATIENCE_SHARE)
        return min(limit_s, max(floor, PATIENCE_FACTOR * self._slowest_s, ROW_FACTOR * self._row_s * rows))

    def most_rows(self, limit_s: float) -> float:
        """Return the most rows of a shared call: where each row takes its time, many would outlive the limit of one."""
        return min(self._max_rows, limit_s / EXPECTED_SHARE / self._row_s) if self._row_s else self._max_rows

    @property
    def _row_s(self) -> float:
        """Seconds that a row took of late."""
        return self._recent_s / self._recent_rows if self._recent_rows else 0.0


def _refusal(error: BaseException, request: Request) -> tuple[int, bytes]:
    if not answers.is_refusal(error):
        answers.log(error, request.id)
    return answers.refuse(error)
