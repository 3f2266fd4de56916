"""What was asked for and what came of it: ``share/puncheon/environment.json`` in the environment.

Format: ``python`` {asked, used}, ``server`` (version or null), ``channels`` (URLs), ``conda`` and ``pip`` (name to
version), ``warnings`` (sentences), ``imports`` (modules that were tried), ``seconds`` (step to time).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

REPORT = Path("share/puncheon/environment.json")


@dataclass(frozen=True)
class PythonUsed:
    """The Python that was asked for, and the one that is there."""

    asked: str
    used: str


@dataclass(frozen=True)
class Report:
    """An environment's record; see the module for its format."""

    source: str
    python: PythonUsed
    server: str | None
    channels: tuple[str, ...]
    conda: Mapping[str, str]
    pip: Mapping[str, str]
    imports: tuple[str, ...]
    warnings: tuple[str, ...]
    seconds: Mapping[str, float]

    def write(self, prefix: Path) -> Path:
        """Write the record into the environment, readable for every uid."""
        path = prefix / REPORT
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n", encoding="utf-8")
        path.chmod(0o644)
        return path
