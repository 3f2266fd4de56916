"""The origins that nginx lets in, as lines of its map."""

from __future__ import annotations

import pytest

from puncheon.errors import SettingsError
from puncheon.origins import map_lines
from puncheon.settings import read

NONE = 'default "";'
LINES = {
    "none": ("", (NONE,)),
    "blank": (" , ", (NONE,)),
    "one": ("https://one.example", (NONE, '"https://one.example" $http_origin;')),
    "two": ("a, b", (NONE, '"a" $http_origin;', '"b" $http_origin;')),
    "the same twice": ("a,a", (NONE, '"a" $http_origin;')),
    "all": ("*", ("default $http_origin;",)),
    "all beside one": ("a,*", ("default $http_origin;", '"a" $http_origin;')),
    "a pattern": (r"https://.*\.a", (NONE, r'"~*^(?:https://.*\\.a)$" $http_origin;')),
}


@pytest.mark.parametrize(("text", "expected"), LINES.values(), ids=LINES.keys())
def test_an_origin_is_a_name_a_pattern_or_all(text: str, expected: tuple[str, ...]) -> None:
    """A pattern matches from beginning to end."""
    assert expected == map_lines(text)


@pytest.mark.parametrize("text", ['a" "b', "a;b", "{a}", "a b", "ä", "https://(.example"], ids=repr)
def test_what_is_no_origin_ends_the_start(text: str) -> None:
    """It would be another directive of nginx's, or none."""
    with pytest.raises(SettingsError, match=r"AML_CORS_ORIGINS=.* is no list of origins"):
        read({"AML_CORS_ORIGINS": text}, lambda: 2)
