"""The lines that scripts say."""

from __future__ import annotations

from tests.scripts.shell import said, source


def test_a_long_step_ends_with_its_time() -> None:
    """More than two seconds are worth a number."""
    assert said("say.sh", "step x > /dev/null; say_began=$((SECONDS - 7)); done_ made") == "    made (7 s)"


def test_a_short_step_ends_without_a_time() -> None:
    """Nothing is said where there is nothing to say."""
    assert said("say.sh", "step x > /dev/null; done_") == ""


def test_a_failure_is_three_lines_on_stderr() -> None:
    """What, where, what next; and the exit code that every verb of the kit ends with."""
    result = source("say.sh", 'fail "It broke." "mend it" "here"')

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: It broke.\nwhere: here\nnext:  mend it\n"


def test_no_colour_without_a_terminal() -> None:
    """A log file holds no escape sequences."""
    assert "\x1b" not in said("say.sh", "step x")
