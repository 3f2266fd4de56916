"""From what a script returned, or raised, to a status and a body of JSON.

Statuses and messages are azureml-inference-server-http's: an exception of the script is a 500 with a fixed text, and
its traceback goes to the log.  An exception with a ``status`` from 400 to 499 is the client's mistake: its message is
the answer.
"""

from __future__ import annotations

import base64
import decimal
import json
import math
import sys
import traceback
from pathlib import Path
from typing import Any

from puncheon_runner.raw_http import HTTPResponse, read_response

FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
UNWRITABLE = "An unexpected internal error occurred. Check the logs for more info."


def encode(value: Any) -> tuple[int, bytes, bytes]:
    """Return status, body and head of a value that ``run`` returned; JSON has no NaN, so that becomes null."""
    if isinstance(value, BaseException):
        if not is_refusal(value):
            log(value)
        return (*refuse(value), b"")
    if value is None:
        return 200, b"{}", b""
    try:
        value = read_response(value)
        if isinstance(value, HTTPResponse):
            return value.status, value.body, json.dumps({"headers": value.headers}).encode()
        return 200, _STRICT.encode(value).encode(), b""
    except ValueError:
        pass  # NaN, or a value that holds itself
    except Exception as error:
        return _unwritable(error)
    try:
        return 200, _STRICT.encode(_without_nan(value)).encode(), b""
    except Exception as error:  # also of too deep a nesting, or of what the value itself does
        return _unwritable(error)


def _unwritable(error: Exception) -> tuple[int, bytes, bytes]:
    """Return the answer where ``run`` has succeeded and its value cannot be sent."""
    log(error)
    return 500, message(UNWRITABLE), json.dumps({"failed": False}).encode()


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
    """Write a traceback to the log as Python writes it, its request's id in a line before."""
    lines = traceback.format_exception(type(error), error, _script_frames(error.__traceback__))
    about = "request {}: ".format(request_id.decode("ascii", "replace")) if request_id else ""
    sys.stderr.flush()
    # Past the tags, which would stand before each of its lines.
    stream = getattr(sys.stderr, "untagged", sys.stderr)
    stream.write("puncheon: {}the entry script failed\n{}".format(about, "".join(lines)))
    stream.flush()


def _script_frames(frames: Any) -> Any:
    """Return a traceback from the script's first frame on: ours say nothing to its author."""
    own = frames
    while own is not None and Path(own.tb_frame.f_code.co_filename).parent == Path(__file__).parent:
        own = own.tb_next
    return own or frames


def _plain(value: Any) -> Any:
    """Return what json does not know, by what it can do: no library is imported for it.

    Arrays and their scalars of whichever library, DataFrames (records), moments (ISO 8601), bytes (base64), sets,
    decimals, pydantic's models.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, decimal.Decimal):
        return float(value)
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return value.to_dict(orient="records")
    for name in ("isoformat", "tolist", "model_dump"):
        if hasattr(value, name):
            return getattr(value, name)()
    raise TypeError(f"run() returned a {type(value).__name__}, which cannot be written as JSON")


_STRICT = json.JSONEncoder(allow_nan=False, default=_plain)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return [_without_nan(item) for item in value] if isinstance(value, (list, tuple)) else _without_nan(_plain(value))
