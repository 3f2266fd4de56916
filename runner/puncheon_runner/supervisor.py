"""The runner's parent process: forks workers, replaces those that die, and tells the HTTP side what is so."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict

from puncheon_runner import memory
from puncheon_runner.control import Control
from puncheon_runner.options import Options
from puncheon_runner.slots import Slot
from puncheon_runner.worker import end, restore_signals

LOAD_FAILED = 3
"""Exit code of a worker, and of the runner, whose entry script cannot be loaded; azmlinfsrv's gunicorn has the same."""

KILLED_WHILE_LOADING = 5
"""Exit code of the runner whose workers die while they load."""

LOAD_TIMED_OUT = 6
"""Exit code of the runner whose workers do not load in time."""

Ready = Callable[[Dict[str, Any]], None]
"""Called by a worker that is ready, with facts of its script."""

DIES_IDLE = 7
"""Exit code of the runner whose workers keep dying before they have scored anything: no request is to blame."""

STEADY_S = 10
"""A worker that lived for longer starts a new count of such deaths."""

STOP_S = 5
"""How long workers may take to end after SIGTERM: the HTTP side has ended before, so they are idle or hang."""


class Supervisor:
    """Keeps the workers of all slots alive.

    Parameters
    ----------
    work
        What a forked worker does: given its slot and a function to call with facts of its script once it is ready, it
        returns when it is told to stop.  It raises SystemExit(LOAD_FAILED) where the script cannot be loaded.
    """

    def __init__(self, options: Options, control: Control, work: Callable[[Slot, Ready], None]) -> None:
        self._options = options
        self._control = control
        self._work = work
        self._slots = [Slot(number, str(options.worker_socket(number))) for number in range(options.workers)]
        self._deaths_while_loading = 0
        self._deaths_while_idle = 0
        self._was_ready = False
        self._memory_kills = memory.kills()
        self._stopping = False

    def run(self) -> int:
        """Fork the workers and keep them until SIGTERM; return the exit code."""
        wake_up, woken = socket.socketpair()
        for one in (wake_up, woken):
            one.setblocking(False)
        signal.set_wakeup_fd(woken.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        code = None
        with selectors.DefaultSelector() as selector:
            self._selector = selector
            selector.register(wake_up, selectors.EVENT_READ)
            self._control.register(selector)
            for slot in self._slots:
                self._start(slot)
            while code is None and not self._stopping:
                for key, _ in selector.select():
                    if key.fileobj is wake_up:
                        wake_up.recv(4096)
                        code = self._reap()
                    elif isinstance(key.data, Slot):
                        self._became_ready(key.data)
                    else:
                        self._control.serve(key.fileobj)
            self._end_workers()
        return code or 0

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True

    def _start(self, slot: Slot) -> None:
        """Fork a worker into a slot."""
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        slot.note.begin()
        sys.stdout.flush()
        sys.stderr.flush()
        # Held back until the worker has handlers of its own: this process's would swallow it there.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        pid = os.fork()
        if pid == 0:
            self._be_worker(slot, write_end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.close(write_end)
        slot.pid, slot.pipe, slot.told = pid, read_end, b""
        slot.ready, slot.started = False, time.monotonic()
        self._selector.register(read_end, selectors.EVENT_READ, slot)

    def _be_worker(self, slot: Slot, pipe: int) -> None:
        """Live as a worker in a forked process; never returns."""
        code = 1
        try:
            restore_signals()
            self._selector.close()
            self._control.close_in_child()
            for other in self._slots:
                if other is not slot:
                    other.listener.close()
            self._work(slot, lambda facts: _tell(pipe, facts))
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            end(code)

    def _became_ready(self, slot: Slot) -> None:
        """Take note of what a worker's pipe says: a line of its script's facts when it is ready, the end when it dies.

        The end alone says nothing: a process that the script has forked may hold the pipe open for as long as it lives.
        """
        if slot.pipe is None:
            return
        try:
            part = os.read(slot.pipe, 65536)
        except BlockingIOError:  # what was readable was the pipe of the worker before this one
            return
        slot.told += part
        if part and not slot.told.endswith(b"\n"):
            return
        self._forget_pipe(slot)
        if part:
            self._control.facts.update(json.loads(slot.told))
            slot.ready = True
            self._was_ready = True
            self._deaths_while_loading = 0
            self._tell()

    def _forget_pipe(self, slot: Slot) -> None:
        if slot.pipe is not None:
            self._selector.unregister(slot.pipe)
            os.close(slot.pipe)
            slot.pipe = None

    def _reap(self) -> int | None:
        """Replace the workers that have died; return an exit code where that would not help."""
        for slot in self._slots:
            try:
                pid, status = os.waitpid(slot.pid, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                continue
            if not pid:
                continue
            if os.WIFSTOPPED(status):
                # A stopped worker answers nobody, and its timer does not run either.
                os.kill(slot.pid, signal.SIGKILL)
                continue
            code = self._buried(slot, status)
            if code is not None:
                return code
            self._start(slot)
            self._tell()
        return None

    def _buried(self, slot: Slot, status: int) -> int | None:
        """Note why a worker died; return an exit code where another would die too."""
        was_ready = slot.ready
        slot.ready = False
        self._forget_pipe(slot)
        slot.deaths += 1
        why = self._why(status)
        slot.last_death = {"pid": slot.pid, "why": why, "scoring": slot.note.read()}
        _say(f"worker {slot.number} (process {slot.pid}) ended: {why}")
        if was_ready:
            return self._died_ready(slot, why)
        self._deaths_while_loading += 1
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == LOAD_FAILED and not self._was_ready:
            self._fail("the entry script could not be loaded; its traceback is in the log")
            return LOAD_FAILED
        if why == "timeout" and not self._was_ready:
            self._fail("the model was not loaded in time; the log says where it stood")
            return LOAD_TIMED_OUT
        if self._deaths_while_loading >= self._options.crash_limit:
            self._fail(f"the workers die while they load the model: {why}")
            return LOAD_FAILED if os.WIFEXITED(status) else KILLED_WHILE_LOADING
        return None

    def _died_ready(self, slot: Slot, why: str) -> int | None:
        """Count the deaths in a row that no request has caused; return an exit code where there are too many."""
        at_work = slot.note.has_scored or time.monotonic() - slot.started > STEADY_S
        self._deaths_while_idle = 0 if at_work else self._deaths_while_idle + 1
        if self._deaths_while_idle < self._options.crash_limit:
            return None
        self._fail(f"the workers die before they have scored anything: {why}")
        return DIES_IDLE

    def _why(self, status: int) -> str:
        """Return the cause of a death: ``timeout``, ``memory``, or the signal or exit code in words."""
        kills, self._memory_kills = self._memory_kills, memory.kills()
        if os.WIFEXITED(status):
            return f"exit code {os.WEXITSTATUS(status)}"
        number = os.WTERMSIG(status)
        if number == signal.SIGALRM:
            return "timeout"
        if number == signal.SIGKILL and self._memory_kills > kills:
            return "memory"
        return f"signal {number}"

    def _fail(self, reason: str) -> None:
        self._control.publish({"state": "failed", "reason": reason, "workers": []})

    def _tell(self) -> None:
        ready = any(slot.ready for slot in self._slots)
        reason = "" if ready else "a new model worker is being started" if self._was_ready else "the model is loading"
        self._control.publish(
            {
                "state": "ready" if ready else "loading",
                "reason": reason,
                "workers": [slot.describe() for slot in self._slots],
            }
        )

    def _end_workers(self) -> None:
        """End all workers: in order where they can, by force where they do not."""
        pids: list[int] = [slot.pid for slot in self._slots]
        deadline = time.monotonic() + STOP_S
        for pid in pids:
            _kill(pid, signal.SIGTERM)
        while pids and time.monotonic() < deadline:
            pids = [pid for pid in pids if not _has_ended(pid)]
            time.sleep(0.005)
        for pid in pids:
            _kill(pid, signal.SIGKILL)
        for slot in self._slots:
            with contextlib.suppress(FileNotFoundError):
                Path(slot.path).unlink()


def _tell(pipe: int, facts: dict[str, Any]) -> None:
    with os.fdopen(pipe, "w") as told:
        told.write(json.dumps(facts) + "\n")


def _kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _has_ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def _say(text: str) -> None:
    sys.stderr.write(f"puncheon: model {text}\n")
    sys.stderr.flush()
