"""The same requests to azureml-inference-server-http 1.5.1 and to our server: the answers are equal, but for a list."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.differential import table_raw, table_routes, table_schema, table_text
from tests.differential.cases import Case, by_id
from tests.differential.differences import DIFFERENCES, VARIABLES
from tests.differential.running import Pair, expected
from tests.differential.services import SERVICES
from tests.serving import KIT

CASES = by_id(table_text.TABLE, table_schema.TABLE, table_raw.TABLE, table_routes.TABLE)


# One service after the other: a pair of servers is started once.
ORDERED = sorted(CASES.values(), key=lambda case: list(SERVICES).index(case.service))


@pytest.mark.parametrize("case", ORDERED, ids=[case.id for case in ORDERED])
def test_the_answers_are_equal(pair_of: Callable[[str], Pair], case: Case) -> None:
    """Status, headers and body, but for what the table states; and what it states is so."""
    pair = pair_of(case.service)
    reference, ours = pair.reference(case), pair.ours(case)

    assert expected(case, reference) == ours
    assert not case.ours or reference != ours


def test_there_are_enough_requests() -> None:
    """Each entry script is asked something."""
    assert len(CASES) >= 200
    assert set(SERVICES) == {case.service for case in CASES.values()}


def test_each_difference_is_shown_by_a_request() -> None:
    """And no request has one that is not listed, or without naming it."""
    assert set(DIFFERENCES) == {case.differs for case in CASES.values()} - {""}
    assert [] == [case.id for case in CASES.values() if bool(case.ours or case.asked_instead) != bool(case.differs)]


def test_the_page_lists_the_differences() -> None:
    """docs/differences.md has the table's, in its order and words."""
    page = (KIT / "docs/differences.md").read_text()
    section = page.partition("## Answers\n")[2].partition("\n## ")[0]
    rows = re.findall(r"(?m)^\| (.*?) \| (.*?) \|$", section)[2:]

    assert [(one.what, one.why) for one in DIFFERENCES.values()] == rows


def test_the_page_says_of_each_variable_what_becomes_of_it() -> None:
    """Each that the reference reads, once."""
    page = (KIT / "docs/differences.md").read_text()
    section = page.partition("## Environment variables\n")[2].partition("\n## ")[0]
    named = [name for first in re.findall(r"(?m)^\| (`.*?) \|", section) for name in re.findall(r"`(\w+)`", first)]

    assert sorted(VARIABLES) == sorted(named)
