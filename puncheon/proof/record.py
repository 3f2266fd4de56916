"""The record of a proof: what was done, with what, and what was found.  It is JSON beside the model in the image.

It holds digests, shapes and versions; neither the example nor the answer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from puncheon.errors import ProofError

SCHEMA = 1
"""Raised when a field changes its meaning; further fields alone do not raise it."""

Status = Literal["proven", "loaded", "failed", "not started"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: ``detail`` says what was found, in words."""

    name: str
    passed: bool
    detail: str = ""


@dataclass
class Record:
    """What a proof found, filled while it runs.

    Attributes
    ----------
    mode
        ``PROOF``: require, warn, load or off.
    when
        UTC, ISO 8601, to the second.
    status
        ``proven``: scored and right.  ``loaded``: started and ready, not scored.  ``failed``: the first check that
        failed is the last in ``checks`` (only ``PROOF=warn`` records that).  ``not started``: ``PROOF=off``.
    server
        ``name`` (the setting SERVER) and ``version``.
    model
        ``mlflow_version``, ``model_uuid``, ``run_id``, ``flavors`` and ``utc_time_created``, as MLmodel has them.
    example
        ``file``, ``sha256``, ``bytes`` and ``rows`` of what was sent; None where there is none.
    answer
        ``sha256`` and ``bytes`` of the body, ``form`` in words (``list of 2 integers``) and ``rows``.
    capabilities
        ``preload`` and ``batching``, each with ``allowed`` and ``reason`` (puncheon/capabilities.py).
    fallback
        What the entry script has imported from the image's fallback folder, because the model's environment lacks it.
    versions
        Python, MLflow, the flavor's library and the server, as installed.
    times
        ``ready_s`` (start until both ports are healthy), ``first_answer_ms``, ``second_answer_ms``, ``stop_s``.
    """

    mode: str
    when: str
    puncheon: str
    status: Status = "failed"
    server: dict[str, str] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    example: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None
    checks: list[Check] = field(default_factory=list)
    capabilities: dict[str, dict[str, Any]] = field(default_factory=dict)
    fallback: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    schema: int = SCHEMA

    def passed(self, name: str, detail: str = "") -> None:
        """Note a check that passed."""
        self.checks.append(Check(name, True, detail))

    def failed(self, name: str, detail: str) -> None:
        """Note the check that ended the proof."""
        self.checks.append(Check(name, False, detail))

    def to_json(self) -> str:
        """Return the record as JSON text, the schema first."""
        content = asdict(self)
        return json.dumps({"schema": content.pop("schema"), **content}, indent=2) + "\n"


def require_writable(path: Path) -> None:
    """Raise ProofError if a record cannot be written at ``path``: before the proof, not after minutes."""
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise ProofError(
            f"The record cannot be written to {path}.",
            where=f"{path.parent} is not a folder that uid {os.getuid()} can write to",
            next="Name another file with --output; `-` prints the record.",
        )


def write_record(record: Record, path: Path) -> None:
    """Write the record as a whole: what was there before stays until the new one is complete.

    Raises
    ------
    ProofError
        If it cannot be written.
    """
    half_written = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        half_written.write_text(record.to_json(), encoding="utf-8")
        half_written.replace(path)
    except OSError as error:
        half_written.unlink(missing_ok=True)
        raise ProofError(f"The record cannot be written to {path}: {error.strerror}.") from error


def read_record(path: Path) -> dict[str, Any]:
    """Read a record.

    Raises
    ------
    ProofError
        If there is none, or none that this version can read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProofError("There is no proof here.", where=str(path), next="make build (or: entrypoint prove)") from None
    except (OSError, ValueError) as error:
        raise ProofError("The record of the proof cannot be read.", where=str(path), detail=[str(error)]) from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ProofError(
            f"The record is not of schema {SCHEMA}.", where=str(path), next="Read it with the puncheon that made it."
        )
    return content


def summary(record: Mapping[str, Any]) -> str:
    """Return a record for people: one line for each thing."""
    server = " ".join(filter(None, (record["server"].get("name"), record["server"].get("version"))))
    lines = [
        f"proof      {record['status']} (PROOF={record['mode']}), {record['when']}, puncheon {record['puncheon']}",
        f"server     {server}" if server else "",
        f"versions   {', '.join(f'{name} {version}' for name, version in record['versions'].items())}",
    ]
    example, answer, times = record["example"], record["answer"], record["times"]
    if example:
        rows = "" if example["rows"] is None else f"{example['rows']} rows, "
        lines.append(f"example    {example['file']} ({rows}sha256 {example['sha256'][:12]}…)")
    if answer:
        lines.append(f"answer     {answer['form']} (sha256 {answer['sha256'][:12]}…)")
    if times:
        lines.append("times      " + ", ".join(_time(name, value) for name, value in times.items()))
    for check in record["checks"]:
        detail = f": {check['detail']}" if check["detail"] else ""
        lines.append(f"  {'ok    ' if check['passed'] else 'FAILED'}   {check['name']}{detail}")
    for name, found in record.get("capabilities", {}).items():
        lines.append(f"{name:<11}{'yes' if found['allowed'] else 'no'}: {found['reason']}")
    lines += [f"warning    {warning}" for warning in record["warnings"]]
    return "\n".join(line for line in lines if line.split(maxsplit=1)[1:])


def _time(name: str, value: float) -> str:
    what, unit = name.rsplit("_", 1)
    return f"{what.replace('_', ' ')} {value:g} {unit}"
