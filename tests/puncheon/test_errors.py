"""Error messages: what, where, next, on one screen."""

from __future__ import annotations

import re
import subprocess
import sys

from puncheon.errors import PuncheonError


def test_a_report_says_what_where_and_next() -> None:
    """The three parts stand under each other, the evidence between."""
    error = PuncheonError("It is broken.", where="file x", next="Mend it.", detail=["line 1"])

    assert "error: It is broken.\nwhere: file x\n       | line 1\nnext:  Mend it." == error.report(80)


def test_long_evidence_is_cut_in_the_middle() -> None:
    """300 lines of a tool's log still leave the whole message on one screen."""
    report = PuncheonError("It is broken.", detail=[f"line {n}" for n in range(300)]).report(80)

    assert len(report.splitlines()) <= 20
    assert re.search(r"\| line 0\n", report)
    assert report.endswith("| line 299")


def test_a_command_in_the_remedy_is_not_broken() -> None:
    """Long words (paths, build arguments) stay in one piece to be copied."""
    word = "--build-arg=" + "x" * 100

    assert word in PuncheonError("It is broken.", next=f"Run it with {word}").report(60)


def test_a_verb_that_fails_exits_with_2_and_without_a_traceback() -> None:
    """The command line prints the report on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "puncheon", "render", "/nowhere"],
        env={"WORKER_TIMEOUT": "x"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (2, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("error: WORKER_TIMEOUT='x' is not a whole number (s).\n")
    assert "Traceback" not in done.stderr
