"""What a person sees of a build's log."""

from __future__ import annotations

from pathlib import Path

import pytest

from puncheon.build import cause, check_inside, shown_lines
from puncheon.errors import PuncheonError

BUILDKIT_LOG = """\
#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 38B done
#1 DONE 0.0s
#7 [tools 1/8] RUN apt-get update -qq
#7 CACHED
#9 [userenv 2/2] RUN python -m puncheon environment
#9 0.412 solve conda  0.1 s  python 3.11.2
#9 12.30 install pip  11.2 s
#9 DONE 12.4s
#12 [proof 1/1] RUN entrypoint prove
#12 3.101 error: The example was answered with 500.
#12 3.101 where: serving_input_example.json
#12 3.101        | ValueError: bad
#12 3.102 next:  Score it where it was trained.
#12 ERROR: process did not complete successfully: exit code: 2
------
 > [proof 1/1] RUN entrypoint prove:
------
""".splitlines()

CLASSIC_LOG = """\
Sending build context to Docker daemon  3.072kB
Step 1/60 : ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim
Step 30/60 : FROM tools AS userenv
 ---> 33e01237e742
Step 31/60 : RUN python -m puncheon environment
 ---> Running in a18ccf5b3d77
solve conda  0.1 s  python 3.11.2
Removing intermediate container a18ccf5b3d77
Step 40/60 : FROM app AS proof
error: The example was answered with 500.
where: serving_input_example.json
       | ValueError: bad
next:  Score it where it was trained.
The command '/bin/sh -c entrypoint prove' returned a non-zero code: 2
""".splitlines()

ERROR = [
    "error: The example was answered with 500.",
    "where: serving_input_example.json",
    "       | ValueError: bad",
    "next:  Score it where it was trained.",
]


@pytest.mark.parametrize("log", [BUILDKIT_LOG, CLASSIC_LOG], ids=["BuildKit", "classic"])
def test_the_cause_is_our_own_error_and_no_more(log: list[str]) -> None:
    """Of 300 lines of log the four that matter are left."""
    assert ERROR == cause(log)


def test_without_an_error_of_ours_the_last_lines_are_the_cause() -> None:
    """A failing apt, or a builder's own complaint, is shown as it ends."""
    assert ["one", "two"] == cause(["one", "", "two"])


@pytest.mark.parametrize("log", [BUILDKIT_LOG, CLASSIC_LOG], ids=["BuildKit", "classic"])
def test_stages_and_steps_are_shown_without_the_builders_noise(log: list[str]) -> None:
    """A line for each stage as it begins, and what the steps print."""
    shown = list(shown_lines(log))

    assert "stage userenv" in shown
    assert "  solve conda  0.1 s  python 3.11.2" in shown
    assert not [
        line for line in shown if "CACHED" in line or "--->" in line or "Removing" in line or "transferring" in line
    ]


@pytest.mark.parametrize("path", ["../elsewhere", "/etc"], ids=["parent", "absolute"])
def test_a_model_outside_the_context_is_refused_before_the_build(tmp_path: Path, path: str) -> None:
    """No builder can copy from there."""
    with pytest.raises(PuncheonError, match="outside the build context"):
        check_inside(path, tmp_path)
