"""``prove``: prove the image that this runs in and write the record, or show the record that is there."""

from __future__ import annotations

import argparse
import os
import shlex
import tempfile
from pathlib import Path

from puncheon.errors import ProofError, PuncheonError
from puncheon.layout import IMAGE
from puncheon.proof.plan import Mode, plan_of
from puncheon.proof.prove import new_record, prove
from puncheon.proof.record import Record, read_record, require_writable, summary, write_record

START = ("/usr/local/bin/runsvdir", IMAGE.runit)
"""How the image itself starts: the front that stands before runsvdir."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``prove``."""
    parser.add_argument(
        "--output", default=IMAGE.proof, metavar="FILE", help=f"the record ({IMAGE.proof}); `-` prints it"
    )
    parser.add_argument("--show", action="store_true", help="show the record that is there, and prove nothing")
    parser.add_argument("--json", action="store_true", help="with --show: the record itself")
    parser.add_argument("--start", default=shlex.join(START), metavar="COMMAND", help="what starts the services")
    parser.add_argument("--timeout", metavar="SECONDS", help="limit for becoming ready, and for each answer")
    parser.add_argument("--log", type=Path, metavar="FILE", help="keep the services' log here")


def run(arguments: argparse.Namespace) -> int:
    """Prove, or show a proof.

    Raises
    ------
    ProofError
        If a check fails, unless PROOF=warn; if the record cannot be read or written.
    SettingsError
        If a setting is impossible.
    """
    if arguments.show:
        return _show(Path(arguments.output), as_json=arguments.json)
    if arguments.output != "-":
        require_writable(Path(arguments.output))
    if arguments.log is not None:
        return _prove(arguments, arguments.log)
    with tempfile.TemporaryDirectory(prefix="puncheon-proof.", dir=IMAGE.runtime) as folder:
        return _prove(arguments, Path(folder, "log"))


def _prove(arguments: argparse.Namespace, log: Path) -> int:
    plan = plan_of(arguments, os.environ, log)
    record = new_record(plan)
    _say(f"PROOF={plan.mode}, model in {plan.model_dir / plan.model_folder}")
    try:
        prove(plan, record, _say)
    except PuncheonError as error:
        if plan.mode != "warn":
            _say_the_way_round(error, plan.mode)
            raise
        record.status = "failed"
        record.warnings.append(f"the proof failed: {error.what}")
        print(f"{error.report()}\nwarning: the proof failed and PROOF=warn builds the image all the same", flush=True)
    for warning in record.warnings:
        _say(f"warning: {warning}")
    _write(record, arguments.output)
    return 0


def _say_the_way_round(error: PuncheonError, mode: Mode) -> None:
    """Add to a failed proof's error which PROOF builds the image all the same."""
    if isinstance(error, ProofError) and "PROOF=" not in (error.next or ""):
        way = f"PROOF={'off' if mode == 'load' else 'warn'} builds the image all the same."
        error.next = f"{error.next}\n{way}" if error.next else way


def _write(record: Record, output: str) -> None:
    if output == "-":
        print(record.to_json(), end="", flush=True)
        return
    write_record(record, Path(output))
    _say(f"{record.status}; the record is {output}")


def _show(path: Path, *, as_json: bool) -> int:
    record = read_record(path)
    print(path.read_text(encoding="utf-8").rstrip() if as_json else summary(record))
    return 0


def _say(line: str) -> None:
    print(f"proof: {line}", flush=True)
