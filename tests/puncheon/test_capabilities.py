"""What a start does with what the build proved: preload and batching, and the reason of each."""

from __future__ import annotations

from typing import Any

import pytest

from puncheon.capabilities import UNPROVEN, Capabilities, Capability, choose
from puncheon.settings import read

ABLE = Capabilities(Capability(True, "forked"), Capability(True, "compared"))
UNABLE = Capabilities(Capability(False, "it has threads"), Capability(False, "neighbours matter"))
NOTHING = Capabilities()

CHOICES: dict[str, tuple[dict[str, str], Capabilities, tuple[str, str], tuple[str, str]]] = {
    "proven": ({}, ABLE, ("true", "forked"), ("on", "compared")),
    "refuted": ({}, UNABLE, ("false", "it has threads"), ("off", "neighbours matter")),
    "not proven": ({}, NOTHING, ("false", UNPROVEN), ("off", UNPROVEN)),
    "forced on": (
        {"WORKER_PRELOAD": "true", "BATCHING": "on"},
        UNABLE,
        ("true", "as set"),
        ("on", "as set"),
    ),
    "forced off": (
        {"WORKER_PRELOAD": "false", "BATCHING": "off"},
        ABLE,
        ("false", "as set"),
        ("off", "as set"),
    ),
    "no retry": ({"RETRY": "off"}, ABLE, ("true", "forked"), ("off", "RETRY=off")),
    "no retry, batching forced on": (
        {"RETRY": "off", "BATCHING": "on"},
        ABLE,
        ("true", "forked"),
        ("off", "RETRY=off"),
    ),
    "no retry, refuted": ({"RETRY": "off"}, UNABLE, ("false", "it has threads"), ("off", "neighbours matter")),
    "azmlinfsrv": (
        {"SERVER": "azmlinfsrv"},
        ABLE,
        ("false", "azmlinfsrv's default"),
        ("off", "azmlinfsrv knows none"),
    ),
    "azmlinfsrv, preload forced on": (
        {"SERVER": "azmlinfsrv", "WORKER_PRELOAD": "true"},
        NOTHING,
        ("true", "as set"),
        ("off", "azmlinfsrv knows none"),
    ),
}


@pytest.mark.parametrize(("environ", "proven", "preload", "batching"), CHOICES.values(), ids=CHOICES.keys())
def test_a_start_does_what_was_proven_unless_told_otherwise(
    environ: dict[str, str], proven: Capabilities, preload: tuple[str, str], batching: tuple[str, str]
) -> None:
    """No `auto` is left, and each choice has its reason."""
    start = choose(read(environ, lambda: 2), proven)

    assert (preload, batching) == (
        (start.settings["WORKER_PRELOAD"], start.preload),
        (start.settings["BATCHING"], start.batching),
    )


RECORDS: dict[str, tuple[dict[str, Any], Capabilities]] = {
    "both": (
        {
            "capabilities": {
                "preload": {"allowed": True, "reason": "forked"},
                "batching": {"allowed": True, "reason": "compared"},
            }
        },
        ABLE,
    ),
    "preload alone": (
        {"capabilities": {"preload": {"allowed": True, "reason": "forked"}}},
        Capabilities(preload=Capability(True, "forked")),
    ),
    "none": ({"capabilities": {}}, NOTHING),
    "an older record": ({}, NOTHING),
}


@pytest.mark.parametrize(("record", "expected"), RECORDS.values(), ids=RECORDS.keys())
def test_what_a_record_does_not_say_is_not_proven(record: dict[str, Any], expected: Capabilities) -> None:
    """A proof that did not come so far allows nothing."""
    assert expected == Capabilities.of(record)
