"""``python -m puncheon_runner``: what the service ``model`` runs."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from puncheon_runner import entry_script, fallback, forking, log, options, threads, unused
from puncheon_runner.control import Control
from puncheon_runner.entry_script import EntryScript
from puncheon_runner.options import Options
from puncheon_runner.slots import Slot, listen
from puncheon_runner.supervisor import LOAD_FAILED, Ready, Supervisor
from puncheon_runner.worker import Worker

NOT_PRELOADED = "PUNCHEON_NOT_PRELOADED"
"""Set, with the reason, for the runner that a preloading one turns into when it finds that it must not fork."""

SOME_WORK_S = 0.001
"""A warm-up of less has scored nothing, and tells nothing of the script's speed."""


class Runner:
    """Loads the entry script, in this process or in each worker, and supervises the workers."""

    def __init__(self, chosen: Options) -> None:
        self._options = chosen
        self._script: EntryScript | None = None
        self._facts: dict[str, Any] = {}
        self._warm_up_s = 0.0
        # A script may change both.
        self._folder, self._environ = Path.cwd(), dict(os.environ)

    def run(self) -> int:
        """Serve until SIGTERM; return the exit code."""
        try:
            return self._serve()
        finally:
            with contextlib.suppress(FileNotFoundError):
                self._options.socket.unlink()

    def _serve(self) -> int:
        notice = unused.notice(os.environ)
        if notice:
            sys.stderr.write(f"{notice}\n")
        control = Control(listen(str(self._options.socket)), self._options)
        not_preloaded = os.environ.get(NOT_PRELOADED)
        if self._options.preload and not not_preloaded:
            threads.limit(1)
            before = forking.open_channels()
            self._script = self._load()
            reason = forking.reason_not_to_fork(before)
            if reason is not None:
                self._begin_anew(reason)
            # What is loaded stays: a collection in a child would touch, and so copy, every page of it.
            gc.collect()
            gc.freeze()
        control.facts.update(
            preload=self._script is not None,
            not_preloaded=not_preloaded or "",
            batching=self._options.batching,
            threads=self._options.threads,
            workers_wanted=self._options.workers,
        )
        return Supervisor(self._options, control, self._work).run()

    def _work(self, slot: Slot, ready: Ready) -> None:
        """Be the worker of a slot."""
        script = self._script
        if script is None:
            threads.limit(self._options.threads)
            script = self._load()
        else:
            threads.raise_to(self._options.threads)
        gc.freeze()
        worker = Worker(slot.listener, script, slot.note, self._options.batching, self._options.batch_rows)
        if self._warm_up_s > SOME_WORK_S:
            worker.scoring.learn(self._warm_up_s)
        worker.serve(lambda: ready(self._facts))

    def _load(self) -> EntryScript:
        """Import the script, call ``init()``, warm it up.

        Raises
        ------
        SystemExit
            With LOAD_FAILED, after the reason has gone to the log.
        """
        fallback.offer()
        try:
            log.configure((self._options.script.parent, *self._options.folders))
        except log.ConfigurationError as error:
            sys.stderr.write(f"puncheon: {error}\n")
            raise SystemExit(LOAD_FAILED) from None
        began = time.monotonic()
        if self._options.load_timeout_s:
            faulthandler.register(signal.SIGALRM, all_threads=True, chain=True)
            signal.setitimer(signal.ITIMER_REAL, self._options.load_timeout_s)
        try:
            script = entry_script.load(self._options.script, self._options.folders)
            script.init()
        except (Exception, SystemExit) as error:
            _show_load_failure(error)
            raise SystemExit(LOAD_FAILED) from None
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        loaded = time.monotonic()
        try:
            script.warm_up()
            self._warm_up_s = time.monotonic() - loaded
        except Exception as error:
            sys.stderr.write(f"puncheon: the warm-up failed and is left out: {error}\n")
        sys.stderr.write(
            f"puncheon: model loaded in {loaded - began:.2f} s, warmed up in {time.monotonic() - loaded:.2f} s "
            f"(process {os.getpid()})\n"
        )
        sys.stderr.flush()
        # Once, and before a fork: it looks at every module that there is.
        self._facts = script.facts()
        return script

    def _begin_anew(self, reason: str) -> None:
        """Become a runner without preload: what was loaded would be broken in every worker."""
        sys.stderr.write(f"puncheon: {reason}: each worker loads the model itself\n")
        sys.stderr.flush()
        os.chdir(str(self._folder))
        command = [sys.executable, "-m", "puncheon_runner"]
        os.execve(sys.executable, command, {**self._environ, NOT_PRELOADED: reason})  # noqa: S606 -- this very program


def _show_load_failure(error: BaseException) -> None:
    """Write the traceback, with the message and what to do about it last."""
    sys.stdout.flush()
    traceback.print_exception(type(error), error, error.__traceback__)
    if isinstance(error, ModuleNotFoundError) and "conda.yaml" not in str(error):
        sys.stderr.write(f"puncheon: module {error.name!r} is missing from conda.yaml\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(Runner(options.read()).run())
