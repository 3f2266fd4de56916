"""Large bodies, parsed on the HTTP side: what comes out is what the standard library makes of them, or nothing."""

from __future__ import annotations

import json
import marshal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puncheon_server.parsing import LEAST_BYTES, MOST_BYTES, parsed

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def padded(text: str) -> bytes:
    """Return a body that is large enough to be parsed."""
    return text.encode("utf-8", "surrogatepass") + b" " * LEAST_BYTES


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal in value and type, all the way down."""
    return repr(one) == repr(other)


@given(VALUES)
def test_what_is_parsed_is_what_the_standard_library_makes_of_it(value: Any) -> None:
    """Whole numbers beyond 64 bits are left to it."""
    body = padded(json.dumps(value))
    found = parsed(body)

    assert found is None or same(json.loads(body), marshal.loads(found))
    if not any(len(digits) > 18 for digits in "".join(c if c.isdigit() else " " for c in json.dumps(value)).split()):
        assert found is not None


LEFT_AS_TEXT = {
    "NaN": "[NaN]",
    "Infinity": "[-Infinity]",
    "a number beyond a float": "[1e400]",
    "a number beyond 64 bits": "[18446744073709551616]",
    "one that fits, of as many digits": "[1234567890123456789]",
    "a lone surrogate": '["\\ud800"]',
    "bytes that are no text": '["\ud800"]',
    "no JSON": "{bad",
    "nothing": "",
    "nested too deeply": "[" * 100_000,
}


@pytest.mark.parametrize("text", LEFT_AS_TEXT.values(), ids=LEFT_AS_TEXT.keys())
def test_what_the_parsers_see_differently_is_left_as_text(text: str) -> None:
    """The entry script says of it what it always says."""
    assert parsed(padded(text)) is None


@pytest.mark.parametrize("size", [LEAST_BYTES - 1, MOST_BYTES + 1])
def test_small_and_very_large_bodies_are_left_as_text(size: int) -> None:
    """The first are as quick in the worker, the others would hold the event loop up."""
    assert parsed(b"1" + b" " * (size - 1)) is None


def test_the_last_of_two_members_of_a_name_counts() -> None:
    """As with the standard library."""
    found = parsed(padded('{"a": 1, "a": 2}'))

    assert found is not None
    assert {"a": 2} == marshal.loads(found)
