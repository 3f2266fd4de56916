"""The origins of AML_CORS_ORIGINS, as nginx matches them where it answers itself (ngx_http_map_module).

The server beside it reads the same list in the same way (puncheon_server/cors.py): ``*`` is every origin, one with a
mark of regular expressions is one, any other is a name without case.
"""

from __future__ import annotations

import re

from puncheon.errors import SettingsError

PATTERN_MARKS = frozenset("*\\]?$^[()")


def map_lines(text: str) -> tuple[str, ...]:
    """Return the lines of a ``map`` from an origin to the one that is let in: itself, or nothing.

    Raises
    ------
    SettingsError
        If an origin is no regular expression and looks like one, or holds what no origin can.
    """
    lines = ['default "";']
    for word in filter(None, (word.strip() for word in text.split(","))):
        if re.search(r"[\s\"';{}]|[^ -~]", word):
            raise _fault(text, f"{word!r} holds spaces, quotes, semicolons, braces or letters beyond ASCII")
        if word == "*":
            lines[0] = "default $http_origin;"
        elif PATTERN_MARKS & set(word):
            lines.append(f'"~*^(?:{_pattern(text, word)})$" $http_origin;')
        else:
            lines.append(f'"{word}" $http_origin;')
    return tuple(dict.fromkeys(lines))


def _pattern(text: str, word: str) -> str:
    try:
        re.compile(word)
    except re.error as error:
        raise _fault(text, f"{word!r} is no regular expression: {error}") from None
    return word.replace("\\", "\\\\")


def _fault(text: str, why: str) -> SettingsError:
    return SettingsError(
        f"AML_CORS_ORIGINS={text!r} is no list of origins.",
        where=why,
        next="Give origins with commas between: https://one.example,http://localhost:3000; or * for all.",
    )
