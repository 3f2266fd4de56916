"""Flask's side of an entry script: the request that ``@rawhttp`` asks for, and responses that ``run`` returns.

Flask is the model environment's own, or comes from the fallback folder; scripts that need neither never load it.
"""

from __future__ import annotations

import contextlib
import functools
import io
import sys
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Iterator, Mapping, NamedTuple

API = "azureml_inference_server_http.api.aml_request"
"""The module whose decorator ``rawhttp`` a script has used, whichever name it imported it by."""


class HTTPResponse(NamedTuple):
    """A response that the script has made itself."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def is_requested() -> bool:
    """Whether the script has decorated its ``run`` with ``@rawhttp``."""
    return bool(getattr(sys.modules.get(API), "_rawHttpRequested", False))


def is_used(script: Any) -> bool:
    """Whether a script has imported something of Flask's by name: ``request``, ``jsonify``, … need a context.

    The types of its values say so; the values themselves may be proxies, which tell nothing outside a context.
    """
    for value in vars(script).values():
        kind = type(value)
        names = [kind.__module__]
        if kind is ModuleType:
            names.append(value.__name__)
        elif kind is FunctionType or issubclass(kind, type):
            names.append(value.__module__)
        if {str(name).partition(".")[0] for name in names} & {"flask", "werkzeug"}:
            return True
    return False


@contextlib.contextmanager
def context(head: Mapping[str, Any], body: bytes) -> Iterator[Any]:
    """Make a request Flask's current one for a while; yields it."""
    import flask

    with _application().request_context(_environ(head, body)):
        yield flask.request._get_current_object()  # type: ignore[attr-defined]


@functools.lru_cache(maxsize=None)
def _application() -> Any:
    """Return an application for contexts: without files of its own, so that Flask looks for none."""
    import flask

    return flask.Flask("entry_script", static_folder=None, root_path=str(Path.cwd()))


def read_response(value: Any) -> Any:
    """Return what a Flask (or werkzeug) response says; any other value as it is."""
    wrappers = sys.modules.get("werkzeug.wrappers")
    if wrappers is None or not isinstance(value, wrappers.Response):
        return value
    return HTTPResponse(value.status_code, [(name, str(item)) for name, item in value.headers], value.get_data())


def _environ(head: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """Return the WSGI environment of a request (PEP 3333)."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": head.get("method", "POST"),
        "SCRIPT_NAME": "",
        "PATH_INFO": head.get("path", "/score"),
        "QUERY_STRING": head.get("query", ""),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if head.get("client"):
        environ["REMOTE_ADDR"] = head["client"]
    for name, value in head.get("headers", ()):
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = value
        elif key != "CONTENT_LENGTH":
            key = f"HTTP_{key}"
            # Two of a name: WSGI has one line for them, as HTTP allows.
            environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
