"""The ASGI application: the hot path ``/score`` here, all else in the Flask application beside it."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from a2wsgi import WSGIMiddleware

from puncheon_runner.protocol import MAX_HEAD
from puncheon_server import limits
from puncheon_server.cors import cors_headers, read_origins
from puncheon_server.dispatch import Dispatcher
from puncheon_server.headers import Ids, answer_headers, read_ids, read_version
from puncheon_server.jobs import Result, refusal
from puncheon_server.pages import make_pages
from puncheon_server.swagger import Service

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

METHODS = ("POST", "GET", "HEAD")
RAW_METHODS = ("POST", "GET", "HEAD", "OPTIONS")
"""What a script with raw HTTP access answers itself."""

SLASHED = frozenset({"/score/", "/livez/", "/readyz/", "/swagger.json/"})
"""Paths that are taken for those without the slash."""

THREADS = 4
"""Threads for the Flask application: probes and pages, nothing that waits."""

FIRST_WORD_S = 0.5
"""How long a new process waits for the runner's state before it accepts connections; a runner that loads is silent."""


class Application:
    """The ASGI callable of one HTTP process."""

    def __init__(self, dispatcher: Dispatcher, version: str) -> None:
        self._dispatcher = dispatcher
        self._origins = read_origins(os.environ.get("AML_CORS_ORIGINS", ""))
        self._version = version.encode()
        pages: Any = make_pages(dispatcher.backend, version, Service.of(os.environ))
        self._pages: Any = WSGIMiddleware(pages, workers=THREADS)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in the server's start and stop."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if self._origins:
            send = self._with_cors(scope, send)
        if scope["path"] in SLASHED:
            scope = {**scope, "path": scope["path"][:-1]}
        if scope["path"] == "/score" and scope["method"] in self._methods():
            await self._score(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    def _with_cors(self, scope: Message, send: Send) -> Send:
        """Return a ``send`` that adds to an answer what it says of the request's origin."""
        added = cors_headers(self._origins, scope["method"], scope["headers"])

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        return send_with_cors

    def _methods(self) -> tuple[str, ...]:
        """Return the methods of /score that the entry script answers; the others are the pages'."""
        return RAW_METHODS if self._dispatcher.backend.state.get("call") == "request" else METHODS

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._dispatcher.start()
                # One that is started anew, beside a model that is ready, must not refuse its first requests.
                await self._dispatcher.backend.first_word(FIRST_WORD_S)
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._dispatcher.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _score(self, scope: Message, receive: Receive, send: Send) -> None:
        ids = read_ids(scope["headers"])
        result: Result | None
        if ids.fault is None:
            result = await self._result(scope, ids, receive)
        else:
            result, ids = refusal(431, ids.fault), ids.without_faults()
        if result is None:
            return
        headers = answer_headers(ids, result, self._version)
        await send({"type": "http.response.start", "status": result.status, "headers": headers})
        await send({"type": "http.response.body", "body": result.body})

    async def _result(self, scope: Message, ids: Ids, receive: Receive) -> Result | None:
        """Return what to answer, or None where the client has left."""
        refused = self._dispatcher.refused(max(ids.length, 0))
        if refused is not None:
            return refused
        body = await self._body(receive)
        if body is None:
            return None
        # Once more: its length may have been unknown, and the queue may have filled while it came.
        refused = self._dispatcher.refused(len(body))
        if refused is not None:
            return refused
        state = self._dispatcher.backend.state
        if scope["method"] != "POST" and state.get("call") != "request":
            body = query_as_json(scope["query_string"])
        head = request_head(scope) if state.get("needs_head") else b""
        if len(head) > MAX_HEAD:
            return refusal(431, f"The request's headers and query are longer than {MAX_HEAD} bytes.")

        async def client_left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        job = self._dispatcher.submit(ids.request, head, body, client_left)
        return await job.future

    async def _body(self, receive: Receive) -> bytes | bytearray | None:
        """Return the body, as much of it as is still within the limit and a bit; None where the client has left."""
        message = await receive()
        if not message.get("more_body"):
            return None if message["type"] == "http.disconnect" else message.get("body", b"")
        body = bytearray(message.get("body", b""))
        while message.get("more_body") and len(body) <= self._dispatcher.limits.body_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
        return body


def request_head(scope: Message) -> bytes:
    """Return what an entry script may ask for of a request beside its body (puncheon_runner/protocol.py).

    Headers with an underscore are left out, as everywhere before WSGI: there they could pass for those with a hyphen.
    """
    headers = [
        [name.decode("latin-1"), value.decode("latin-1").strip(" \t")]
        for name, value in scope["headers"]
        if b"_" not in name
    ]
    return json.dumps(
        {
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode("latin-1"),
            "headers": headers,
            "client": (scope.get("client") or ("",))[0],
        }
    ).encode()


def query_as_json(query: bytes) -> bytes:
    """Return a query string as a JSON object: values that are JSON are read, a repeated name becomes a list.

    Bytes that are no UTF-8 stay escaped.
    """
    texts = parse_qs(query.decode("utf-8", _ESCAPED), keep_blank_values=True, errors=_ESCAPED)
    values = {name: [_read(text) for text in several] for name, several in texts.items()}
    try:
        return json.dumps({name: some[0] if len(some) == 1 else some for name, some in values.items()}).encode()
    except RecursionError:  # nested so deeply that it could be read and cannot be written
        return json.dumps({name: some[0] if len(some) == 1 else some for name, some in texts.items()}).encode()


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 -- it is named for decoding only
    return "".join(f"%{byte:02X}" for byte in error.object[error.start : error.end]), error.end


_ESCAPED = "puncheon.escaped"
codecs.register_error(_ESCAPED, _escape)


def make_application() -> Application:
    """Return the application of this process, by its environment."""
    return Application(Dispatcher(limits.read()), read_version(os.environ))
