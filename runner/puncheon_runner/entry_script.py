"""An entry script: a Python file with ``init()`` and ``run(data)``, and perhaps a batch form.

The contract is Azure ML's (azureml-inference-server-http).  A script that can answer many requests in one call says so:

    run_batch(items) -> list        one answer for each item; an exception in the list is that item's answer
    prepare(data) -> (key, item, rows)   optional: items of one key may share a call; a key of None never shares
    prepare_parsed(value)           optional, beside prepare: the same for a body whose JSON has been parsed already
    warm_up()                       optional: what to do once after init()
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Hashable, NamedTuple, Sequence

from puncheon_runner import fallback, raw_http
from puncheon_runner.calling import Call, ScriptError


class Prepared(NamedTuple):
    """A request that has been read: what it may share a call with, what is handed over, and how many rows it has."""

    key: Hashable | None
    item: Any
    rows: int


class EntryScript:
    """A loaded entry script.

    Parameters
    ----------
    module
        The imported module; ``init()`` has not been called.

    Raises
    ------
    ScriptError
        If it lacks ``init`` or ``run``.
    """

    def __init__(self, module: Any) -> None:
        for name in ("init", "run"):
            if not callable(getattr(module, name, None)):
                raise ScriptError(f"{module.__file__} has no function {name}()")
        self.init: Callable[[], None] = module.init
        # A driver script (Azure's SDK makes some) stands before the real one and does not hand arguments on.
        driven = getattr(module, "driver_module", None)
        script = driven if isinstance(driven, ModuleType) and hasattr(driven, "run") else module
        self.call = Call(script.run, raw_http.is_used(script))
        self._run_batch: Callable[[Sequence[Any]], list[Any]] | None = getattr(module, "run_batch", None)
        self._prepare: Callable[[str], tuple[Any, Any, int]] | None = getattr(module, "prepare", None)
        self._prepare_parsed: Callable[[Any], tuple[Any, Any, int]] | None = getattr(module, "prepare_parsed", None)
        self.warm_up: Callable[[], None] = getattr(module, "warm_up", lambda: None)

    @property
    def can_batch(self) -> bool:
        """Whether several requests may share a call at all."""
        return self._run_batch is not None and not self.call.needs_head

    def facts(self) -> dict[str, Any]:
        """Return what the HTTP side needs to know: how ``run`` is called, and what the fallback folder has lent."""
        return {
            "call": self.call.kind,
            "needs_head": self.call.needs_head,
            "can_batch": self.can_batch,
            "takes_parsed": self.takes_parsed,
            "fallback": fallback.used(),
            "schemas": self.call.schemas(),
        }

    @property
    def prepares(self) -> bool:
        """Whether the script has a form of its own to read requests; else its batch form takes their text."""
        return self._prepare is not None

    @property
    def takes_parsed(self) -> bool:
        """Whether large bodies may come parsed."""
        return self._prepare_parsed is not None and self._prepare is not None and self.can_batch

    def prepare_parsed(self, value: Any) -> Prepared:
        """Read one request whose JSON has been parsed; raises what the script raises where the request is at fault."""
        assert self._prepare_parsed is not None  # noqa: S101 -- the HTTP side looks at the facts
        return Prepared(*self._prepare_parsed(value))

    def prepare(self, data: str) -> Prepared:
        """Read one request; raises what the script raises where the request is at fault."""
        return Prepared("", data, 1) if self._prepare is None else Prepared(*self._prepare(data))

    def run_batch(self, items: Sequence[Any]) -> list[Any]:
        """Answer several prepared requests, in order.

        Raises
        ------
        ValueError
            If the script gives another number of answers.
        """
        assert self._run_batch is not None  # noqa: S101 -- callers look at can_batch
        answers = list(self._run_batch(items))
        if len(answers) != len(items):
            raise ValueError(f"run_batch gave {len(answers)} answers to {len(items)} requests")
        return answers


def load(path: Path, folders: Sequence[Path]) -> EntryScript:
    """Import the script at ``path``, with ``folders`` and its own on ``sys.path``.

    Raises
    ------
    ScriptError
        If there is no such file, or it lacks ``init`` or ``run``.
    Exception
        Whatever the script raises while it is imported.
    """
    if not path.is_file():
        beside = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
        raise ScriptError(
            "there is no entry script {} (AZUREML_ENTRY_SCRIPT, below AML_APP_ROOT); {} holds: {}".format(
                path, path.parent, ", ".join(beside[:20]) or "nothing"
            )
        )
    for folder in (*folders, path.parent):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    fallback.offer()
    spec = importlib.util.spec_from_file_location(path.stem, str(path))
    if spec is None or spec.loader is None:
        raise ScriptError(f"the entry script {path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickles look a class's module up by its name.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return EntryScript(module)
