"""What a recorded request is, and in what our answer to it may be another than the reference's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

JSON = ("Content-Type", "application/json")

ABSENT = "(absent)"
"""Stands for a header that is not there."""

NEW_ID = "(a new id)"
"""Stands for an id that the server has made up: a random UUID."""

MILLISECONDS = "(milliseconds)"
"""Stands for a measured time."""

SERVER = "(the server's name and version)"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """A request as it is sent."""

    method: str
    path: str
    body: bytes | None = None
    headers: Headers = ()


@dataclass(frozen=True)
class Case:
    """A recorded request.

    Attributes
    ----------
    id
        Its name in the test's report.
    service
        The entry script and variables that it is for (services.py).
    request
        What both servers are asked.
    differs
        The name of the difference (differences.py) because of which our answer is another one; empty where it is not.
    ours
        What our answer has in place of the reference's: ``status``, ``body``, or headers by name; ABSENT for none.
    asked_instead
        What the reference is asked, where it does not know the request.
    """

    id: str
    service: str
    request: Request
    differs: str = ""
    ours: Mapping[str, Any] = field(default_factory=dict)
    asked_instead: Request | None = None


def post(service: str, id: str, body: bytes | str | Any, *headers: tuple[str, str], **more: Any) -> Case:
    """Return a POST to /score: bytes and text as they are, all else as JSON of that type."""
    if isinstance(body, (bytes, str)):
        content = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        sent = headers
    else:
        content, sent = json.dumps(body).encode(), headers or (JSON,)
    path = more.pop("path", "/score")
    return Case(f"{service}, {id}", service, Request("POST", path, content, sent), **more)


def get(service: str, id: str, path: str, *headers: tuple[str, str], **more: Any) -> Case:
    """Return a request without a body, GET unless it says otherwise."""
    method = more.pop("method", "GET")
    body = more.pop("body", None)
    return Case(f"{service}, {id}", service, Request(method, path, body, headers), **more)


def query(**values: str) -> str:
    """Return the path of a query."""
    return "/score?" + "&".join(f"{name}={quote(value)}" for name, value in values.items())


def by_id(*tables: Iterable[Case]) -> dict[str, Case]:
    """Return cases by their ids, which must be different."""
    cases = [case for table in tables for case in table]
    found = {case.id: case for case in cases}
    assert len(cases) == len(found), sorted(case.id for case in cases if found[case.id] is not case)
    return found
