"""The command line: verbs, options, exit codes."""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence

from conda_front import VERSION, reports
from conda_front.activation import Change, activate, deactivate, level_of, reactivate, settle
from conda_front.errors import CondaError, not_available
from conda_front.packages import installed, matching
from conda_front.prefixes import Root, located
from conda_front.shell import hook, in_bash, lines_of, outcome

USAGE = """\
usage: conda [-h] [-V] command ...

This image's conda reads environments; it has no solver.

  conda env list [--json]                           list the environments (also: conda info --envs)
  conda list [-n NAME | -p PATH] [REGEX]            list the packages of one (--json, --export, --no-pip)
  conda info [--envs | --base] [--json]             show this installation
  conda run [-n NAME | -p PATH] COMMAND ...         run a command in one
  conda activate [--stack] [NAME | PATH]            change this shell's environment
  conda deactivate                                  go back to the one before
  conda shell.bash hook                             print what defines `conda activate` in a script's shell

To change what is installed, edit the model's conda.yaml and rebuild the image with puncheon.
"""

SHELLS = ("shell.posix", "shell.bash", "shell.zsh", "shell.dash")
LAUNCHER_LIBRARIES = "_CONDA_FRONT_LD_LIBRARY_PATH"
"""Where the launcher leaves the caller's LD_LIBRARY_PATH, without which this Python was started."""


def main() -> int:
    """Run the command in ``sys.argv`` and return its exit code."""
    # Python ignores these two; `conda list | head` must not, and a program run by `conda run` must not inherit it.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    # A variable or a path may hold bytes that are no UTF-8; they pass unchanged.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")
    libraries = os.environ.pop(LAUNCHER_LIBRARIES, None)
    if libraries is not None:
        os.environ["LD_LIBRARY_PATH"] = libraries
    arguments = sys.argv[1:]
    # The package lies in <root>/share/conda-front.
    root = Root(os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "..")))
    try:
        return dispatch(root, arguments)
    except CondaError as error:
        if "--json" in arguments:
            print(error.as_json())
        else:
            print(error.text(), file=sys.stderr)
        return 1


def dispatch(root: Root, arguments: Sequence[str]) -> int:
    """Find the verb and run it.

    Raises
    ------
    CondaError
        If the verb is unknown or fails.
    """
    verb, rest = (arguments[0], list(arguments[1:])) if arguments else ("--help", [])
    if verb in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0
    if verb in ("-V", "--version"):
        print(f"conda {VERSION}")
        return 0
    if verb in SHELLS:
        return shell_verb(root, rest)
    if verb == "env":
        if rest[:1] == ["list"]:
            return info_verb(root, ["--envs", *rest[1:]], prog="conda env list")
        raise not_available(" ".join(["env", *rest[:1]]))
    if verb in ("activate", "deactivate"):
        if {"-h", "--help"}.intersection(rest):
            print(USAGE, end="")
            return 0
        raise CondaError(
            "CommandNotFoundError",
            f"this shell has no conda function, which 'conda {verb}' needs.\n"
            f"Run first: . {os.path.join(root.path, 'etc', 'profile.d', 'conda.sh')}",
        )
    verbs: dict[str, Callable[[Root, list[str]], int]] = {"info": info_verb, "list": list_verb, "run": run_verb}
    if verb not in verbs:
        raise not_available(verb)
    return verbs[verb](root, rest)


def info_verb(root: Root, arguments: list[str], prog: str = "conda info") -> int:
    """Print about this installation, or its environments."""
    parser = argparse.ArgumentParser(prog=prog)
    parser.add_argument("-e", "--envs", action="store_true", help="list the environments")
    parser.add_argument("--base", action="store_true", help="print the path of base")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    if chosen.base:
        print(json.dumps({"root_prefix": root.path}, indent=2) if chosen.json else root.path)
    elif chosen.json:
        print(json.dumps(reports.environments_json(root) if chosen.envs else reports.info(root, os.environ), indent=2))
    elif chosen.envs:
        print(reports.environments_text(root, os.environ.get("CONDA_PREFIX", "")), end="")
    else:
        print(reports.info_text(reports.info(root, os.environ)), end="")
    return 0


def list_verb(root: Root, arguments: list[str]) -> int:
    """Print the packages of an environment."""
    parser = argparse.ArgumentParser(prog="conda list")
    _add_prefix(parser)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-e", "--export", action="store_true", help="as requirement lines")
    parser.add_argument("-f", "--full-name", action="store_true", help="REGEX is a whole name")
    parser.add_argument("--no-pip", action="store_true", help="without pip's packages")
    parser.add_argument("regex", nargs="?", metavar="REGEX", help="only names that match")
    chosen = parser.parse_args(arguments)
    prefix = _prefix(root, chosen)
    packages = installed(prefix, pip=not chosen.no_pip)
    if chosen.regex:
        packages = matching(packages, chosen.regex, whole=chosen.full_name)
    if chosen.json:
        print(json.dumps([package.as_json() for package in packages], indent=2))
    elif chosen.export:
        print(reports.packages_export(packages), end="")
    else:
        print(reports.packages_text(prefix, packages), end="")
    return 0


def run_verb(root: Root, arguments: list[str]) -> int:
    """Become a command in an environment: its signals, output and exit code are the command's own."""
    parser = argparse.ArgumentParser(prog="conda run")
    _add_prefix(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="accepted, without effect")
    parser.add_argument("-s", "--no-capture-output", "--live-stream", action="store_true", help="always so")
    parser.add_argument("--cwd", metavar="FOLDER", help="where to run it")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    chosen = parser.parse_args(arguments)
    command = chosen.command[1:] if chosen.command[:1] == ["--"] else chosen.command
    if not command:
        raise CondaError("ArgumentError", "No command specified: conda run -n NAME COMMAND ...")
    change = activate(os.environ, root, _prefix(root, chosen))
    bash, environment = in_bash(change, os.environ, 'exec "$@"\n')
    sys.stdout.flush()
    try:
        if chosen.cwd:
            os.chdir(chosen.cwd)
        os.execvpe(bash[0], [*bash, *command], environment)
    except OSError as error:
        raise CondaError("CondaError", f"conda run: {error}") from error


def shell_verb(root: Root, arguments: list[str]) -> int:
    """Print what a shell has to evaluate; ``arguments`` is what was given to its ``conda`` function."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if verb == "hook":
        print(hook(root), end="")
    elif verb == "settle":
        prefix = located(rest[0] if rest else os.environ.get("CONDA_PREFIX", ""))
        print(outcome(settle(os.environ, prefix), os.environ), end="")
    elif verb in ("activate", "deactivate", "reactivate"):
        print(lines_of(_change(root, verb, rest)), end="")
    else:
        raise CondaError("ArgumentError", f"'{verb}' is not one of activate, deactivate, reactivate, hook")
    return 0


def _change(root: Root, verb: str, arguments: list[str]) -> Change:
    options = [argument for argument in arguments if argument.startswith("-")]
    names = [argument for argument in arguments if argument not in options]
    allowed = ["--stack", "--no-stack"] if verb == "activate" else []
    unknown = [option for option in options if option not in allowed]
    if unknown or len(names) > (1 if verb == "activate" else 0):
        raise CondaError("ArgumentError", f"'conda {verb}' does not take: {' '.join(unknown or names)}")
    if verb == "deactivate":
        return deactivate(os.environ, root)
    if verb == "reactivate":
        return reactivate(os.environ, root)
    return activate(os.environ, root, root.locate(names[0] if names else "base"), stack="--stack" in options)


def _add_prefix(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("-n", "--name", metavar="NAME", help="name of an environment (default: the active one)")
    group.add_argument("-p", "--prefix", metavar="PATH", help="path of an environment")


def _prefix(root: Root, chosen: argparse.Namespace) -> str:
    if chosen.prefix:
        return located(chosen.prefix)
    if chosen.name:
        return root.locate(chosen.name)
    active = os.environ.get("CONDA_PREFIX", "")
    return located(active) if level_of(os.environ) and active else root.path
