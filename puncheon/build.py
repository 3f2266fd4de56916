"""``build``: the plain ``docker build`` of the Dockerfile, with its log distilled for a person.

The whole log goes to a file; the terminal gets a line for each stage and for each step of ours, and on failure the
error alone.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from puncheon.errors import EngineError, PuncheonError
from puncheon.model_folder import ModelFolder

KIT = Path(__file__).resolve().parent.parent

# What the builders print around the output of the steps.
BUILDKIT = re.compile(r"^#\d+ (?:\[(?P<stage>\w+) +\d+/\d+\] .*|(?P<seconds>\d+\.\d+) (?P<output>.*)|(?P<rest>.*))$")
CLASSIC_STAGE = re.compile(r"^Step \d+/\d+ : FROM .* (?:AS|as) (?P<stage>\w+)$")
CLASSIC_NOISE = re.compile(
    r"^(Step \d+/\d+ :|\s*--->|Sending build context|Removing intermediate|Successfully |DEPRECATED"
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
    parser.add_argument("--classic", action="store_true", help="the classic builder, also where BuildKit is there")
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
    client, buildkit = find_builder()
    buildkit = buildkit and not arguments.classic
    command = command_line(arguments, client, buildkit)
    environment = {**os.environ, "DOCKER_BUILDKIT": str(int(buildkit)), "BUILDKIT_PROGRESS": "plain"}
    arguments.log.parent.mkdir(parents=True, exist_ok=True)
    with arguments.log.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
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


def find_builder() -> tuple[str, bool]:
    """Return the docker command to use, and whether it has BuildKit, as ``scripts/engine`` finds them.

    Raises
    ------
    EngineError
        If no engine answers.
    """
    done = subprocess.run([KIT / "scripts/engine", "--json"], capture_output=True, text=True, check=False)
    state = json.loads(done.stdout or "{}")
    if not state.get("answers"):
        raise EngineError("No container engine answers.", next="make engine", detail=done.stderr.splitlines())
    return state["client"], "buildkit" in state["builders"]


def command_line(arguments: argparse.Namespace, client: str, buildkit: bool) -> list[str]:
    """Return the ``docker build`` command, as the README shows it."""
    settings = [f"ARTIFACT_PATH={arguments.artifact_path}", f"BASE_PATH={arguments.base_path}", *arguments.build_arg]
    dockerfile = arguments.context / arguments.base_path / "Dockerfile"
    return [
        client,
        "build",
        *(["--progress=plain"] if buildkit else []),
        *(word for setting in settings for word in ("--build-arg", setting)),
        *("-t", arguments.tag),
        *("-f", str(dockerfile)),
        str(arguments.context),
    ]


def _kept(lines: Iterable[str], log: object) -> Iterator[str]:
    for line in lines:
        log.write(line)  # type: ignore[attr-defined]
        yield line
