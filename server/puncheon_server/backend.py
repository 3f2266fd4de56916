"""The runner as this process sees it: its state, as its control socket tells, and a link to each ready worker."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any, cast

from puncheon_runner.protocol import Answer, Buffer, unpack_messages

RETRY_S = 0.02
"""Pause between two attempts to reach the runner."""


JOINED_BYTES = 65536
"""Frames below this are copied into one buffer, which is quicker than writing many; large bodies are not copied."""


class Link(asyncio.Protocol):
    """A connection to one worker; at most one frame is under way on it, so that what is not written yet stays bounded.

    Parameters
    ----------
    slot
        The worker's place.
    answered
        Called with the link, some answers and their seconds.
    lost
        Called with the link when the connection has ended.
    """

    def __init__(
        self, slot: int, answered: Callable[[Link, list[Answer], float], None], lost: Callable[[Link], None]
    ) -> None:
        self.slot = slot
        self.frame: Any = None
        self.deaths = 0
        self._answered = answered
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._data = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's; the link can be written to from now on."""
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def send(self, frame: list[Buffer]) -> None:
        """Write one frame, given as buffers."""
        assert self._transport is not None  # noqa: S101 -- links are handed out connected
        if sum(map(len, frame)) < JOINED_BYTES:
            self._transport.write(b"".join(frame))
        else:
            self._transport.writelines(frame)

    def data_received(self, data: bytes) -> None:
        """Asyncio's; hands on every complete message."""
        self._data += data
        for answers, duration_us in unpack_messages(self._data):
            self._answered(self, answers, duration_us / 1e6)

    def connection_lost(self, error: Exception | None) -> None:
        """Asyncio's; the worker has ended, or this process does."""
        self._transport = None
        self._lost(self)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()


class Backend:
    """Follows the runner's control socket for as long as this process lives.

    Parameters
    ----------
    path
        The control socket.
    changed
        Called after each change of ``state``.
    """

    def __init__(self, path: str, changed: Callable[[], None]) -> None:
        self._path = path
        self._changed = changed
        self.state: dict[str, Any] = {"state": "loading", "reason": "the model service is starting", "workers": []}
        self._heard = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        """Whether a request would be answered: a worker is ready."""
        return bool(self.state["state"] == "ready")

    async def follow(self) -> None:
        """Take in every state until cancelled; an absent runner is waited for."""
        while True:
            with contextlib.suppress(OSError, ValueError):
                reader, writer = await asyncio.open_unix_connection(self._path, limit=2**20)
                # A runner that loads the model before it forks says nothing until it has done so.
                self._become({"state": "loading", "reason": "the model is loading", "workers": []})
                try:
                    while line := await reader.readline():
                        self._become(json.loads(line))
                        self._heard.set()
                finally:
                    writer.close()
            self._heard.set()
            if self.state["state"] == "ready":
                self._become({**self.state, "state": "loading", "reason": "the model service has ended", "workers": []})
            await asyncio.sleep(RETRY_S)

    async def first_word(self, limit_s: float) -> None:
        """Wait until the runner has said what state it is in, or is not there, or ``limit_s`` has passed."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._heard.wait(), limit_s)

    def _become(self, state: dict[str, Any]) -> None:
        self.state = state
        self._changed()
