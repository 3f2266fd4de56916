"""How an entry script's ``run`` wants its request, and how it is called: azureml-inference-server-http's contract.

``run(data)``                  the body as text, whatever its type; of a GET the query as a JSON object
``run(a, b=…)`` with a schema  the values of a JSON object, by name (decorators of the package inference-schema)
``run(request)`` with rawhttp  the Flask request; GET, POST, OPTIONS and HEAD are the script's own
``request_headers``            beside any of these: the request's headers as a dict
"""

from __future__ import annotations

import inspect
import json
from typing import Any, Callable, Mapping

from puncheon_runner import raw_http, schema
from puncheon_runner.protocol import Request

HEADERS = "request_headers"


class ScriptError(Exception):
    """The entry script is not one; the message says what it lacks."""


class RefusedError(ValueError):
    """A request that does not fit; ``status`` is its answer's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Call:
    """A way to call ``run``.

    Parameters
    ----------
    run
        The script's function.
    uses_flask
        Whether it expects to be called while Flask handles the request.

    Raises
    ------
    ScriptError
        If it cannot be called: no parameter for the data, ``*args``, ``**kwargs`` or positional-only ones.

    Attributes
    ----------
    kind
        ``text``, ``values`` or ``request``.
    needs_head
        Whether it has to be told method, headers and query of a request.
    """

    def __init__(self, run: Callable[..., Any], uses_flask: bool = False) -> None:
        parameters = list(inspect.signature(run).parameters.values())
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        if any(parameter.kind not in kinds for parameter in parameters):
            raise ScriptError("run() cannot accept positional-only arguments, *args, or **kwargs")
        self._takes_headers = any(parameter.name == HEADERS for parameter in parameters)
        self._parameters = [parameter for parameter in parameters if parameter.name != HEADERS]
        if not self._parameters:
            beside = f" beside {HEADERS}" if self._takes_headers else ""
            raise ScriptError(f"run() needs a parameter for the input data{beside}")
        self._run = run
        self.kind = _kind(run)
        self._in_context = uses_flask or self.kind == "request"
        self.needs_head = self._takes_headers or self._in_context or self.kind != "text"

    def __call__(self, request: Request) -> Any:
        """Call ``run`` for one request; return, or raise, what it does.

        Raises
        ------
        RefusedError
            If the request is at fault.
        """
        head = json.loads(request.head) if request.head else {}
        if not self._in_context:
            return self._call(request, head)
        with raw_http.context(head, bytes(request.body)) as current:
            # Read before its context ends: its body may be made only now.
            return raw_http.read_response(self._call(request, head, current))

    def _call(self, request: Request, head: Mapping[str, Any], current: Any = None) -> Any:
        arguments = {HEADERS: _as_dict(head)} if self._takes_headers else {}
        if self.kind == "values":
            return self._call_with_values(self._values(request, head), arguments)
        data = current if self.kind == "request" else text(request)
        return self._run(**{self._parameters[0].name: data}, **arguments)

    def schemas(self) -> dict[str, Any] | None:
        """Return the schemas of input and output that decorators give, and the Swagger versions that can say them."""
        return schema.read(self._run) if self.kind == "values" else None

    def _call_with_values(self, values: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
        try:
            return self._run(**values, **arguments)
        except Exception as error:
            expected = schema.misfit(error, self._run)
            if expected is None:
                raise
            raise RefusedError(expected) from error

    def _values(self, request: Request, head: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that a JSON object holds."""
        if head.get("method") == "POST" and not _is_json(head):
            raise RefusedError("Expects Content-Type to be application/json", 415)
        body = bytes(request.body)
        try:
            content = json.loads(body)
        except (ValueError, RecursionError) as error:
            if not body:
                raise RefusedError("POST body is empty. Expecting a JSON dictionary.") from None
            raise RefusedError(f"POST body could not be decoded as JSON: {error}") from None
        if not isinstance(content, dict):
            raise RefusedError("POST body should be a JSON dictionary.")
        values = {parameter.name: content.get(parameter.name, parameter.default) for parameter in self._parameters}
        for name, value in values.items():
            if value is inspect.Parameter.empty:
                raise RefusedError(f"A value is not provided for the {name!r} parameter.")
        return values


def text(request: Request) -> str:
    """Return a body as text.

    Raises
    ------
    RefusedError
        If it is no UTF-8.
    """
    try:
        return str(request.body, "utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError(f"Input cannot be decoded as UTF-8: {error}") from None


def _kind(run: Callable[..., Any]) -> str:
    """Return how ``run`` is decorated, by the packages that the script has imported for it."""
    raw = raw_http.is_requested()
    decorated = schema.is_decorated(run)
    if raw and decorated:
        raise ScriptError("run() cannot be decorated with both @rawhttp and @input_schema")
    return "request" if raw else "values" if decorated else "text"


def _as_dict(head: Mapping[str, Any]) -> dict[str, str]:
    """Return headers as Flask spells them: ``Content-Type``; several of a name become one, with commas between."""
    found: dict[str, str] = {}
    for name, value in head.get("headers", ()):
        name = name.title()
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _is_json(head: Mapping[str, Any]) -> bool:
    kind = _as_dict(head).get("Content-Type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
