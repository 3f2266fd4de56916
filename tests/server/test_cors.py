"""What an answer says of the origin that asks."""

from __future__ import annotations

import pytest

from puncheon_server.cors import cors_headers, read_origins

TWO = "https://one.example, http://Two.example:8080 ,"
LET_IN = {
    "named": (TWO, b"https://one.example", True),
    "the other, in another case": (TWO, b"HTTP://two.example:8080", True),
    "another scheme": (TWO, b"http://one.example", False),
    "another port": (TWO, b"https://one.example:8443", False),
    "a subdomain": (TWO, b"https://a.one.example", False),
    "null": (TWO, b"null", False),
    "any": ("*", b"https://one.example", True),
    "any beside one": ("https://a.example,*", b"https://one.example", True),
    "a pattern": (r"https://.*\.example\.com", b"https://A.example.com", True),
    "a pattern's beginning": (r"https://.*\.example\.com", b"https://a.example.com.evil.net", False),
    "a pattern's end": (r"https://.*\.example\.com", b"evil:https://a.example.com", False),
    "none": ("", b"https://one.example", False),
}


@pytest.mark.parametrize(("origins", "origin", "expected"), LET_IN.values(), ids=LET_IN.keys())
def test_an_origin_is_let_in_by_name_or_pattern(origins: str, origin: bytes, expected: bool) -> None:
    """From its first letter to its last."""
    assert expected == read_origins(origins).let_in(origin)
    assert expected == bool(cors_headers(read_origins(origins), "GET", [(b"origin", origin)]))


@pytest.mark.parametrize(("text", "expected"), [("", False), (" , ", False), ("*", True), ("a", True), ("a.*", True)])
def test_origins_are_none_or_some(text: str, expected: bool) -> None:
    """With none, nothing is said at all."""
    assert expected == bool(read_origins(text))


def test_what_is_no_regular_expression_is_told() -> None:
    """With the setting's name."""
    with pytest.raises(ValueError, match=r"AML_CORS_ORIGINS=https://\(\.example holds no regular expression"):
        read_origins("https://(.example")


ASKS = (b"access-control-request-method", b"POST")
ORIGIN = (b"origin", b"https://one.example")
ALLOWED = [(b"access-control-allow-origin", b"https://one.example")]
VARY = [(b"vary", b"Origin")]
SAID = {
    "a score": ("POST", [ORIGIN], [*ALLOWED, *VARY]),
    "a preflight": ("OPTIONS", [ORIGIN, ASKS], [*ALLOWED, (b"access-control-allow-methods", b"GET, POST"), *VARY]),
    "a preflight with headers": (
        "OPTIONS",
        [ORIGIN, ASKS, (b"access-control-request-headers", b"x-a, x-b")],
        [
            *ALLOWED,
            (b"access-control-allow-headers", b"x-a, x-b"),
            (b"access-control-allow-methods", b"GET, POST"),
            *VARY,
        ],
    ),
    "a preflight of another method": (
        "OPTIONS",
        [ORIGIN, (b"access-control-request-method", b"PUT")],
        [*ALLOWED, *VARY],
    ),
    "options alone": ("OPTIONS", [ORIGIN], [*ALLOWED, *VARY]),
    "no origin": ("GET", [], []),
    "an empty origin": ("GET", [(b"origin", b"")], []),
}


@pytest.mark.parametrize(("method", "headers", "expected"), SAID.values(), ids=SAID.keys())
def test_what_is_said_depends_on_what_is_asked(
    method: str, headers: list[tuple[bytes, bytes]], expected: list[tuple[bytes, bytes]]
) -> None:
    """Methods and headers only to a preflight."""
    assert expected == cors_headers(read_origins(TWO), method, headers)


def test_where_all_are_let_in_nobody_need_say_who_it_is() -> None:
    """The answer may be kept for everybody."""
    assert [(b"access-control-allow-origin", b"*")] == cors_headers(read_origins("*"), "GET", [])
