"""The script's own output: print, logging, warnings and tracebacks reach the one log, with the id of their request."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import os
import sys
from pathlib import Path
from typing import Any, Sequence

from puncheon_runner.protocol import Request

FILE = "logging.json"
"""A configuration of the user's (logging.config.dictConfig), beside the entry script or in AML_APP_ROOT."""

FORMAT = "%(levelname)s %(name)s: %(message)s"


class ConfigurationError(Exception):
    """The user's configuration of logging is none; the message says why."""


class _Scored:
    """The requests that are being scored: set before each call of the script, read only where it writes something."""

    requests: Sequence[Request] = ()
    indexes: Sequence[int] = ()


def scoring(requests: Sequence[Request], indexes: Sequence[int]) -> None:
    """Name the requests that what follows is about; none after a call."""
    _Scored.requests, _Scored.indexes = requests, indexes


def tag() -> str:
    """Return the words that a line of the script begins with."""
    if not _Scored.indexes:
        return ""
    if len(_Scored.indexes) > 1:
        return f"{len(_Scored.indexes)} requests: "
    return "request {}: ".format(_Scored.requests[_Scored.indexes[0]].id.decode("ascii", "replace"))


class TaggedStream(io.TextIOWrapper):
    """A standard stream that begins each line with what it is about.

    Parameters
    ----------
    stream
        The stream to write to; it stays open.
    """

    def __init__(self, stream: Any) -> None:
        super().__init__(stream.buffer, encoding=stream.encoding, errors="backslashreplace", line_buffering=True)
        self.untagged = stream
        self._begins = True

    def write(self, text: str) -> int:
        """Write text; returns how much of it was written, which is all."""
        about = tag()
        if about and text:
            lines = text.split("\n")
            marked = [about + line if line else line for line in lines[1:]]
            first = about + lines[0] if self._begins and lines[0] else lines[0]
            super().write("\n".join([first, *marked]))
        else:
            super().write(text)
        self._begins = text.endswith("\n") if text else self._begins
        return len(text)


def _level(name: str) -> int:
    """Return the level of a name, as ``logging`` has them; INFO where it is none."""
    level = logging.getLevelName(name.upper())
    return level if isinstance(level, int) else logging.INFO


def configure(folders: Sequence[Path]) -> None:
    """Tag the standard streams, and let ``logging`` write from INFO on, unless the script configures it itself.

    Python's handler of last resort serves loggers that nobody has configured, so a script's own
    ``logging.basicConfig`` works as anywhere.

    Raises
    ------
    ConfigurationError
        If there is a ``logging.json`` that cannot be applied.
    """
    sys.stdout, sys.stderr = TaggedStream(sys.stdout), TaggedStream(sys.stderr)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(FORMAT))
    logging.lastResort = handler
    logging.getLogger().setLevel(_level(os.environ.get("AZUREML_LOG_LEVEL", "")))
    for folder in folders:
        if (folder / FILE).is_file():
            _apply(folder / FILE)
            return


def _apply(file: Path) -> None:
    try:
        logging.config.dictConfig(json.loads(file.read_text(encoding="utf-8")))
    except Exception as error:  # whatever the classes that it names raise
        causes = [error, error.__cause__]
        raise ConfigurationError(f"{file} cannot be applied: {': '.join(str(one) for one in causes if one)}") from None
