"""The ASGI application: the hot path ``/score`` here, all else in the Flask application beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from a2wsgi import WSGIMiddleware

from puncheon_server import limits
from puncheon_server.dispatch import Dispatcher
from puncheon_server.headers import Ids, answer_headers, read_ids
from puncheon_server.jobs import Result, refusal
from puncheon_server.pages import make_pages

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ACCEPTED = ("POST", "GET")
THREADS = 4
"""Threads for the Flask application: probes and pages, nothing that waits."""

FIRST_WORD_S = 0.5
"""How long a new process waits for the runner's state before it accepts connections; a runner that loads is silent."""


class Application:
    """The ASGI callable of one HTTP process."""

    def __init__(self, dispatcher: Dispatcher, version: str) -> None:
        self._dispatcher = dispatcher
        self._version = f"puncheon/{version}".encode()
        pages: Any = make_pages(dispatcher.backend, self._version.decode())
        self._pages: Any = WSGIMiddleware(pages, workers=THREADS)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in the server's start and stop."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["path"] == "/score" and scope["method"] in ACCEPTED:
            await self._score(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

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
        if scope["method"] == "GET":
            body = query_as_json(scope["query_string"])

        async def client_left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        job = self._dispatcher.submit(ids.request, body, client_left)
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


def query_as_json(query: bytes) -> bytes:
    """Return a query string as a JSON object: values that are JSON stay so, a repeated name becomes a list."""
    names = {
        json.dumps(name): [_as_json(value) for value in values]
        for name, values in parse_qs(query.decode("utf-8", "replace"), keep_blank_values=True).items()
    }
    members = [
        f"{name}: {values[0] if len(values) == 1 else '[' + ', '.join(values) + ']'}" for name, values in names.items()
    ]
    return f"{{{', '.join(members)}}}".encode()


def _as_json(value: str) -> str:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return json.dumps(value)
    return value


def make_application() -> Application:
    """Return the application of this process, by its environment."""
    return Application(Dispatcher(limits.read()), os.environ["PUNCHEON_VERSION"])
