"""The ceiling: what the same nginx and gunicorn answer when nothing is predicted.

Put in the place of the server's own application; it reads a request's body, as that does, and answers two numbers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"6")]


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer any request with ``[0, 0]``."""
    if scope["type"] == "lifespan":
        while True:
            event = (await receive())["type"]
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"[0, 0]"})


def make_application() -> Callable[..., Awaitable[None]]:
    """Return the application; gunicorn's configuration asks for it by this name."""
    return application
