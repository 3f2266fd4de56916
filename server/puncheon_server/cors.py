"""Cross-origin requests (WHATWG Fetch, "CORS protocol"), for the origins in AML_CORS_ORIGINS and for no others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

Headers = list[tuple[bytes, bytes]]

METHODS = b"GET, POST"
ASKABLE = frozenset({b"GET", b"POST"})

PATTERN_MARKS = frozenset("*\\]?$^[()")
"""An origin with one of these is a regular expression, as for flask-cors, which the reference uses."""


class Origins(NamedTuple):
    """The origins that are let in.

    Attributes
    ----------
    every
        Whether all are.
    names
        Origins in lower case: schemes and hosts have no case.
    patterns
        Regular expressions, which must match an origin from its beginning to its end.
    """

    every: bool = False
    names: frozenset[bytes] = frozenset()
    patterns: tuple[re.Pattern[bytes], ...] = ()

    def __bool__(self) -> bool:
        return self.every or bool(self.names or self.patterns)

    def let_in(self, origin: bytes) -> bool:
        """Whether pages of an origin may read our answers."""
        if self.every or origin.lower() in self.names:
            return True
        return any(pattern.fullmatch(origin) for pattern in self.patterns)


def read_origins(text: str) -> Origins:
    """Return the origins of a comma-separated list; ``*`` among them stands for all.

    Raises
    ------
    ValueError
        If one looks like a regular expression and is none.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    patterns = [word for word in words if word != "*" and PATTERN_MARKS & set(word)]
    try:
        compiled = tuple(re.compile(word.encode("latin-1"), re.IGNORECASE) for word in patterns)
    except re.error as error:
        raise ValueError(f"AML_CORS_ORIGINS={text} holds no regular expression: {error}") from None
    names = frozenset(word.lower().encode("latin-1") for word in words if word not in patterns)
    return Origins("*" in words, names - {b"*"}, compiled)


def cors_headers(origins: Origins, method: str, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return what an answer to this request says of its origin; nothing where the origin is not one of ours."""
    asked = {name: value for name, value in headers if name in _NAMES}
    origin = asked.get(b"origin")
    if not origin:
        return [(b"access-control-allow-origin", b"*")] if origins.every else []
    if not origins.let_in(origin):
        return []
    said: Headers = [(b"access-control-allow-origin", origin)]
    if method == "OPTIONS" and asked.get(b"access-control-request-method") in ASKABLE:
        if b"access-control-request-headers" in asked:
            said.append((b"access-control-allow-headers", asked[b"access-control-request-headers"]))
        said.append((b"access-control-allow-methods", METHODS))
    return [*said, (b"vary", b"Origin")]


_NAMES = frozenset({b"origin", b"access-control-request-method", b"access-control-request-headers"})
