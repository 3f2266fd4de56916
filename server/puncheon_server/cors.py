"""Cross-origin requests (WHATWG Fetch, "CORS protocol"), for the origins in AML_CORS_ORIGINS and for no others."""

from __future__ import annotations

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

METHODS = b"GET, POST"


def read_origins(text: str) -> frozenset[bytes]:
    """Return the origins of a comma-separated list; ``*`` among them stands for all."""
    return frozenset(word.strip().encode("latin-1") for word in text.split(",") if word.strip())


def cors_headers(origins: frozenset[bytes], method: str, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return what an answer to this request says of its origin; nothing where the origin is not one of ours.

    An origin must match to the letter, scheme and port included.
    """
    asked = {name: value for name, value in headers if name in _NAMES}
    origin = asked.get(b"origin")
    if origin is None or (origin not in origins and b"*" not in origins):
        return []
    said: Headers = [(b"access-control-allow-origin", origin)]
    if method == "OPTIONS" and b"access-control-request-method" in asked:
        if b"access-control-request-headers" in asked:
            said.append((b"access-control-allow-headers", asked[b"access-control-request-headers"]))
        said.append((b"access-control-allow-methods", METHODS))
    return [*said, (b"vary", b"Origin")]


_NAMES = frozenset({b"origin", b"access-control-request-method", b"access-control-request-headers"})
