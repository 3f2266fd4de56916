"""The one error tree: every message says what is wrong, where, and what to do next.

Library code raises these; only ``puncheon.__main__`` prints them and chooses the exit code.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable

EXIT_CODE = 2
"""Exit code of every verb that ends in a PuncheonError (1 stays Python's own, for faults of ours)."""

MAX_DETAIL_LINES = 12
"""So that a message with its detail fits on one screen of 24 lines."""


class PuncheonError(Exception):
    """A fault that the user can mend.

    Parameters
    ----------
    what
        One sentence: what is wrong.
    where
        The file, setting, package or stage that it is wrong in.
    next
        What to do about it, as an instruction or a command.
    detail
        Lines of evidence (a tool's own words); more than ``MAX_DETAIL_LINES`` are cut in the middle.
    """

    def __init__(
        self, what: str, *, where: str | None = None, next: str | None = None, detail: Iterable[str] = ()
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next = next
        self.detail = tuple(detail)

    def renamed(self, path: str, name: str) -> PuncheonError:
        """Return the same error with a path as the user knows it, in place of the path in a builder stage."""

        def known(text: str) -> str:
            return text.replace(path, name)

        return type(self)(
            known(self.what),
            where=self.where and known(self.where),
            next=self.next and known(self.next),
            detail=map(known, self.detail),
        )

    def report(self, width: int | None = None) -> str:
        """Return the whole message, wrapped to ``width`` columns (default: the terminal's)."""
        columns = width or min(shutil.get_terminal_size().columns, 120)
        lines = _labelled("error: ", self.what, columns)
        if self.where:
            lines += _labelled("where: ", self.where, columns)
        lines += [f"       | {line.rstrip()}" for line in _shortened(self.detail)]
        if self.next:
            lines += _labelled("next:  ", self.next, columns)
        return "\n".join(lines)


class ModelFolderError(PuncheonError):
    """ARTIFACT_PATH is not a folder that holds an MLflow model."""


class EnvironmentFileError(PuncheonError):
    """conda.yaml, python_env.yaml or a requirements file cannot be read as what it should be."""


class EnvironmentSolveError(PuncheonError):
    """The environment that the files ask for cannot be made."""


class SettingsError(PuncheonError):
    """A setting has an impossible value, or two settings contradict each other."""


class ProofError(PuncheonError):
    """The model did not start, did not answer its own example, or answered it wrongly."""


class EngineError(PuncheonError):
    """No container engine answers, or it refused what was asked of it."""


class ChannelError(PuncheonError):
    """A conda package or a local channel cannot be made or read."""


def _labelled(label: str, text: str, columns: int) -> list[str]:
    """Wrap each line of ``text`` under a label, so that an instruction of several commands keeps its lines."""
    wrapped: list[str] = []
    for number, line in enumerate(text.splitlines() or [""]):
        wrapped += textwrap.wrap(
            line,
            columns,
            initial_indent=label if number == 0 else " " * len(label),
            subsequent_indent=" " * len(label),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return wrapped


def _shortened(detail: tuple[str, ...]) -> tuple[str, ...]:
    """Cut the middle: the first lines name the subject, the last ones the cause."""
    if len(detail) <= MAX_DETAIL_LINES:
        return detail
    head = MAX_DETAIL_LINES // 3
    tail = MAX_DETAIL_LINES - head - 1
    return (*detail[:head], f"... {len(detail) - head - tail} lines left out ...", *detail[-tail:])
