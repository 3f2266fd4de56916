"""What the build's proof found that this model may be used for, and what follows for the settings of a start.

Nothing of it is guessed at run time: without a proof, a model is loaded by each worker and its requests never share
a predict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from puncheon.settings import Settings

UNPROVEN = "the build did not prove it"


@dataclass(frozen=True)
class Capability:
    """One thing that a model may, or may not, be used for; ``reason`` says how that is known."""

    allowed: bool
    reason: str


@dataclass(frozen=True)
class Capabilities:
    """Whether the loaded model may be forked, and whether rows of different requests may share a predict."""

    preload: Capability = Capability(False, UNPROVEN)
    batching: Capability = Capability(False, UNPROVEN)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Capabilities:
        """Read them from a proof's record."""
        found = record.get("capabilities") or {}
        return cls(**{name: Capability(**found[name]) for name in ("preload", "batching") if name in found})


@dataclass(frozen=True)
class Start:
    """How the services are started: settings without ``auto``, and why each choice was made."""

    settings: Settings
    preload: str
    batching: str


def choose(settings: Settings, capabilities: Capabilities) -> Start:
    """Return what a start does, given its settings and what was proven."""
    preload, why_preload = _choice(str(settings["WORKER_PRELOAD"]), "true", "false", capabilities.preload)
    batching, why_batching = _choice(str(settings["BATCHING"]), "on", "off", capabilities.batching)
    if settings["SERVER"] == "azmlinfsrv":
        if settings["WORKER_PRELOAD"] == "auto":
            preload, why_preload = "false", "azmlinfsrv's default"
        batching, why_batching = "off", "azmlinfsrv knows none"
    elif settings["RETRY"] == "off" and batching == "on":
        # A shared predict that fails can only be told apart by scoring each request again.
        batching, why_batching = "off", "RETRY=off"
    return Start(settings.with_values(WORKER_PRELOAD=preload, BATCHING=batching), why_preload, why_batching)


def _choice(given: str, yes: str, no: str, proven: Capability) -> tuple[str, str]:
    if given != "auto":
        return given, "as set"
    return (yes if proven.allowed else no), proven.reason
