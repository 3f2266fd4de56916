"""From what a script returned, or raised, to a status and a body of JSON.

Statuses and messages are azureml-inference-server-http's: an exception of the script is a 500 with a fixed text, and
its traceback goes to the log.  An exception with a ``status`` from 400 to 499 is the client's mistake: its message is
the answer.
"""

from __future__ import annotations

import json
import math
import sys
import traceback
from typing import Any

FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
UNWRITABLE = "An unexpected internal error occurred. Check the logs for more info."


def encode(value: Any) -> tuple[int, bytes]:
    """Return status and body of a value that ``run`` returned; JSON has no NaN, so that becomes null."""
    if isinstance(value, BaseException):
        if not is_refusal(value):
            log(value)
        return refuse(value)
    if value is None:
        return 200, b"{}"
    try:
        return 200, _STRICT.encode(value).encode()
    except ValueError:
        pass
    except Exception as error:
        log(error)
        return 500, message(UNWRITABLE)
    try:
        return 200, _STRICT.encode(_without_nan(value)).encode()
    except Exception as error:  # also of too deep a nesting, or of what the value itself does
        log(error)
        return 500, message(UNWRITABLE)


def refuse(error: BaseException) -> tuple[int, bytes]:
    """Return status and body of what ``run`` raised."""
    status = getattr(error, "status", None)
    if isinstance(status, int) and 400 <= status < 500:
        return status, message(str(error))
    return 500, message(FAILED)


def is_refusal(error: BaseException) -> bool:
    """Whether an exception is the client's mistake."""
    return refuse(error)[0] < 500


def message(text: str) -> bytes:
    """Return the body of an error."""
    return json.dumps({"message": text}).encode()


def log(error: BaseException, request_id: bytes = b"") -> None:
    """Write a traceback to the log, its request's id first."""
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    about = "request {}: ".format(request_id.decode("ascii", "replace")) if request_id else ""
    sys.stderr.write("puncheon: {}the entry script failed\n{}".format(about, "".join(lines)))
    sys.stderr.flush()


def _listed(value: Any) -> Any:
    """Return what json does not know: arrays and their scalars, of whichever library."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"run() returned a {type(value).__name__}, which cannot be written as JSON")


_STRICT = json.JSONEncoder(allow_nan=False, default=_listed)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return _without_nan(_listed(value)) if hasattr(value, "tolist") else value
