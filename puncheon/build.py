"""``build``: the plain ``docker build`` of the Dockerfile, with its log distilled for a person.

The whole log goes to a file; the terminal gets a line for each stage and for each step of ours, and on failure the
error alone.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from puncheon.errors import EngineError, PuncheonError
from puncheon.model_folder import ModelFolder

# What the builders print around the output of the steps.
BUILDKIT = re.compile(r"^#\d+ (?:\[(?P<stage>\w+) +\d+/\d+\] .*|(?P<seconds>\d+\.\d+) (?P<output>.*)|(?P<rest>.*))$")
CLASSIC_STAGE = re.compile(r"^Step \d+/\d+ : FROM .* (?:AS|as) (?P<stage>\w+)$")
CLASSIC_NOISE = re.compile(
    r"^(Step \d+/\d+ :| ---> |Sending build context|Removing intermediate|Successfully |DEPRECATED"
    r"|\s+(Install|BuildKit|environment)|$)"
)
ERROR = re.compile(r"^(error|where|next): |^ {7}")


def shown_lines(log: Iterable[str]) -> Iterator[str]:
    """Yield what a person wants to see of a build's log: stages as they begin, and the output of their steps."""
    stages: set[str] = set()
    for raw in log:
        line = raw.rstrip()
        if classic := CLASSIC_STAGE.match(line):
            stage, output = classic["stage"], None
        elif buildkit := BUILDKIT.match(line):
            stage, output = buildkit["stage"], buildkit["output"]
        else:
            stage, output = None, None if CLASSIC_NOISE.match(line) else line
        if stage and stage not in stages:
            stages.add(stage)
            yield f"stage {stage}"
        if output and output.strip():
            yield f"  {output}"


def cause(log: list[str]) -> list[str]:
    """Return the error of ours that a build's log holds, or its last lines where there is none."""
    lines = [match["output"] or "" if (match := BUILDKIT.match(line)) and match["seconds"] else line for line in log]
    begins = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    if not begins:
        return [line for line in (line.rstrip() for line in lines) if line][-8:]
    error = [lines[begins[-1]]]
    for line in lines[begins[-1] + 1 :]:
        if not ERROR.match(line):
            break
        error.append(line)
    return error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``build``."""
    parser.add_argument("artifact_path", help="the model's folder, inside the context")
    parser.add_argument("--base-path", default=".", help="this kit's folder, inside the context (default: %(default)s)")
    parser.add_argument("--context", type=Path, default=Path(), help="the build context (default: this folder)")
    parser.add_argument("--tag", "-t", required=True, help="the image's name")
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE", help="a setting")
    parser.add_argument("--client", default="docker", help="the docker command (default: %(default)s)")
    parser.add_argument(
        "--log", type=Path, default=Path("build/build.log"), help="the whole log (default: %(default)s)"
    )
    parser.add_argument("--verbose", "-v", action="store_true", help="show the whole log")


def run(arguments: argparse.Namespace) -> int:
    """Check the model's folder, build, and say how long it took.

    Raises
    ------
    ModelFolderError
        If the folder is no model, before anything is sent to the engine.
    EngineError
        If the build fails.
    """
    began = time.monotonic()
    check_inside(arguments.artifact_path, arguments.context)
    model = ModelFolder.read(arguments.context / arguments.artifact_path)
    print(f"build {arguments.tag} from {arguments.artifact_path} ({', '.join(sorted(model.flavors))})", flush=True)
    command = command_line(arguments)
    arguments.log.parent.mkdir(parents=True, exist_ok=True)
    with arguments.log.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
        lines = _kept(process.stdout, log)
        for line in lines if arguments.verbose else shown_lines(lines):
            print(line.rstrip(), flush=True)
    if process.wait():
        whole = arguments.log.read_text(encoding="utf-8").splitlines()
        found = cause(whole)
        if found[0].startswith("error: "):
            print("\n".join(["", *found]), flush=True)
            return 2
        raise EngineError("The build failed.", detail=found, next=f"The whole log: {arguments.log}")
    print(f"built {arguments.tag} in {time.monotonic() - began:.1f} s (log: {arguments.log})")
    return 0


def check_inside(path: str, context: Path) -> None:
    """Raise PuncheonError if ``path`` lies outside the context: no builder can copy it from there."""
    if Path(path).is_absolute() or not (context / path).resolve().is_relative_to(context.resolve()):
        raise PuncheonError(
            f"ARTIFACT_PATH={path} lies outside the build context.",
            where=f"the context is {context.resolve()}",
            next="Give a path relative to the context, or copy the model below it.",
        )


def command_line(arguments: argparse.Namespace) -> list[str]:
    """Return the ``docker build`` command, as the README shows it."""
    settings = [f"ARTIFACT_PATH={arguments.artifact_path}", f"BASE_PATH={arguments.base_path}", *arguments.build_arg]
    buildkit = os.environ.get("DOCKER_BUILDKIT") == "1"
    return [
        arguments.client,
        "build",
        *(["--progress=plain"] if buildkit else []),
        *(word for setting in settings for word in ("--build-arg", setting)),
        "-t",
        arguments.tag,
        "-f",
        str(arguments.context / arguments.base_path / "Dockerfile"),
        str(arguments.context),
    ]


def _kept(lines: Iterable[str], log: object) -> Iterator[str]:
    for line in lines:
        log.write(line)  # type: ignore[attr-defined]
        yield line
