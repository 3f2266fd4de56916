"""One model worker: accepts the HTTP side's connections on its own socket and answers their frames, one at a time."""

from __future__ import annotations

import faulthandler
import mmap
import os
import selectors
import signal
import socket
import struct
import sys
from typing import Any, Callable, Sequence

from puncheon_runner import log
from puncheon_runner.entry_script import EntryScript
from puncheon_runner.protocol import FRAME, MAX_COUNT, Frame, pack_message, unpack_frame
from puncheon_runner.scoring import Scoring

STALLED_S = 30
"""How long the HTTP side may take to read or write the rest of a frame."""


class Note:
    """What a worker is at, in memory that it shares with its supervisor: it outlives the worker.

    Layout: client u32, frame number u32, count u32, count x index u16 (native order); the last byte is 1 once the
    worker has begun with a request.
    """

    _HEAD = struct.Struct("=III")

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, self._HEAD.size + 2 * MAX_COUNT + 1)

    def write(self, client: int, number: int, indexes: Sequence[int]) -> None:
        """Note that these requests of this frame are being scored."""
        self._HEAD.pack_into(self._memory, 0, client, number, len(indexes))
        struct.pack_into(f"={len(indexes)}H", self._memory, self._HEAD.size, *indexes)
        self._memory[-1] = 1

    def read(self) -> Any:
        """Return ``{"client", "frame", "requests"}``, or None if nothing was being scored."""
        client, number, count = self._HEAD.unpack_from(self._memory, 0)
        if not client:
            return None
        indexes = struct.unpack_from(f"={count}H", self._memory, self._HEAD.size)
        return {"client": client, "frame": number, "requests": list(indexes)}

    @property
    def has_scored(self) -> bool:
        """Whether the worker has ever begun with a request."""
        return bool(self._memory[-1])

    def clear(self) -> None:
        """Note that nothing is being scored."""
        self._HEAD.pack_into(self._memory, 0, 0, 0, 0)

    def begin(self) -> None:
        """Be the note of a new worker."""
        self.clear()
        self._memory[-1] = 0


class Watchdog:
    """Ends this process when a call of the script takes too long, whatever the call does.

    The kernel's interval timer needs no thread and no Python: its signal ends the process (the default action of
    SIGALRM) after faulthandler has written where every thread stood.  The supervisor tells this end from others.
    """

    def __init__(self, note: Note) -> None:
        self._note = note
        self._frame: Frame | None = None
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        faulthandler.register(signal.SIGALRM, all_threads=True, chain=True)

    def watch(self, frame: Frame | None) -> None:
        """Name the frame whose requests follow."""
        self._frame = frame
        if frame is None:
            self._note.clear()
            log.scoring((), ())

    def __call__(self, indexes: Sequence[int], limit_s: float) -> None:
        """Start the timer for a call on these requests; 0 stops it."""
        if limit_s and self._frame is not None:
            self._note.write(self._frame.client, self._frame.number, indexes)
            log.scoring(self._frame.requests, indexes)
        signal.setitimer(signal.ITIMER_REAL, limit_s)


class Worker:
    """A worker's loop.

    Parameters
    ----------
    listener
        A listening Unix socket, shared with the supervisor and with the workers that come after this one.
    """

    def __init__(self, listener: socket.socket, script: EntryScript, note: Note, batching: bool, max_rows: int) -> None:
        self._listener = listener
        self._watchdog = Watchdog(note)
        self.scoring = Scoring(script, batching, max_rows, self._watchdog)
        self._connections: set[socket.socket] = set()
        self._stopping = False

    def serve(self, ready: Callable[[], None]) -> None:
        """Answer frames until SIGTERM; the frame at hand is answered first."""
        wake_up, woken = socket.socketpair()
        woken.setblocking(False)
        signal.set_wakeup_fd(woken.fileno())
        signal.signal(signal.SIGTERM, self._stop)
        os.register_at_fork(after_in_child=self._leave_to_parent)
        with selectors.DefaultSelector() as selector:
            self._listener.setblocking(False)
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(wake_up, selectors.EVENT_READ)
            ready()
            while not self._stopping:
                for key, _ in selector.select():
                    peer = key.fileobj
                    if peer is self._listener:
                        self._accept(selector)
                    elif peer is wake_up:
                        wake_up.recv(64)
                    elif not self._serve_frame(peer):
                        selector.unregister(peer)
                        self._connections.remove(peer)  # type: ignore[arg-type]
                        peer.close()  # type: ignore[union-attr]

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True

    def _leave_to_parent(self) -> None:
        """In a process that the script forks: let go of signals, and of connections, which must end with the worker."""
        restore_signals()
        for one in (self._listener, *self._connections):
            one.close()

    def _accept(self, selector: selectors.BaseSelector) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:  # another worker of the same socket, in the moment of its replacement
            return
        connection.setblocking(True)
        # An HTTP side that stands still in the middle of a frame must not hold the others up for ever.
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            connection.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", STALLED_S, 0))
        selector.register(connection, selectors.EVENT_READ)
        self._connections.add(connection)

    def _serve_frame(self, connection: Any) -> bool:
        """Read one frame and answer it; False if the connection has ended, or brought something else.

        What ends this process meanwhile leaves its note behind.
        """
        try:
            header = _receive(connection, FRAME.size)
            if header is None:
                return False
            content = _receive(connection, FRAME.unpack(header)[0])
            if content is None:
                return False
            try:
                frame = unpack_frame(header, content)
            except (ValueError, struct.error) as error:
                sys.stderr.write(f"puncheon: not a frame of requests: {error}\n")
                return False
            self._watchdog.watch(frame)
            for answers, seconds in self.scoring.answer(frame):
                connection.sendall(pack_message(answers, int(seconds * 1e6)))
        except OSError:
            self._watchdog.watch(None)
            return False  # the HTTP side has ended; nobody waits for these answers
        self._watchdog.watch(None)
        return True


def _receive(connection: socket.socket, size: int) -> bytearray | None:
    """Return exactly ``size`` bytes, or None where the connection ends before."""
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = connection.recv_into(view)
        if not count:
            return None
        view = view[count:]
    return data


def restore_signals() -> None:
    """Give a forked worker the default signal handlers, and no file to wake."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def end(code: int) -> None:
    """End a forked worker without the parent's clean-up."""
    os._exit(code)
