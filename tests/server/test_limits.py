"""The HTTP side's limits, from the environment that a start makes."""

from __future__ import annotations

from typing import Any

import pytest

from puncheon.settings import read as read_settings
from puncheon_runner.protocol import MAX_COUNT
from puncheon_server.limits import Limits, read

SOCKET = {"PUNCHEON_MODEL_SOCKET": "/tmp/model.sock"}

CASES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "defaults": (
        {},
        {
            "scoring_ms": 270_000,
            "request_s": 300.0,
            "batch_count": MAX_COUNT,
            "batch_bytes": 262_144,
            "queue_count": 1000,
            "queue_bytes": 200 << 20,
            "body_bytes": 100 << 20,
            "retry": True,
        },
    ),
    "few rows": ({"BATCH_MAX_ROWS": "8"}, {"batch_count": 8}),
    "more rows than a frame has requests": ({"BATCH_MAX_ROWS": "5000"}, {"batch_count": MAX_COUNT}),
    "small bodies": ({"MAX_BODY_MB": "1"}, {"body_bytes": 1 << 20, "queue_bytes": 2 << 20}),
    "short": ({"WORKER_TIMEOUT": "2"}, {"request_s": 2.0, "scoring_ms": 1800}),
    "no retry": ({"RETRY": "off"}, {"retry": False}),
}


@pytest.mark.parametrize(("given", "expected"), CASES.values(), ids=CASES.keys())
def test_limits_are_the_settings_in_the_units_of_the_code(given: dict[str, str], expected: dict[str, Any]) -> None:
    """Bytes, milliseconds and seconds; a request has at least a row, so a frame has no more requests than rows."""
    limits = read({**read_settings(given, lambda: 2).as_environment(), **SOCKET})

    assert expected == {name: getattr(limits, name) for name in expected}


def test_the_defaults_are_those_of_the_settings() -> None:
    """A limit that is left out in a test is what a container has."""
    limits = read({**read_settings({}, lambda: 2).as_environment(), **SOCKET})

    assert limits == Limits(SOCKET["PUNCHEON_MODEL_SOCKET"], queue_bytes=limits.queue_bytes)
