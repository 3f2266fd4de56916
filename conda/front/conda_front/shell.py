"""A change as lines that any POSIX shell can evaluate, and what runs such lines in bash."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping

from conda_front.activation import LIBRARIES, Change
from conda_front.errors import CondaError
from conda_front.prefixes import Root

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OF_THE_SHELL = frozenset({"_", "BASH_ENV", "OLDPWD", "PWD", "SHLVL"})
"""What bash changes by itself, or what is kept from it."""

REPORT = """\
exec 3>&1 1>&2 </dev/null
trap 'test -z "$__script" || echo "conda: warning: $__script ended its shell; scripts after it did not run" >&2
/usr/bin/env -0 >&3' EXIT
"""
"""Makes bash write its exported variables to the standard output that it was given, however it ends."""


def lines_of(change: Change) -> str:
    """Return the lines that carry out a change; "" where there is none."""
    lines = [_export(name, value) for name, value in change.first.items()]
    lines += _source(change.deactivate)
    lines += [f"unset {name}" for name in change.unset]
    lines += [] if change.prompt is None else [f"PS1={shlex.quote(change.prompt)}"]
    lines += [_export(name, value) for name, value in change.export.items()]
    lines += _source(change.activate)
    return "".join(f"{line}\n" for line in lines)


def hook(root: Root) -> str:
    """Return the lines that define the ``conda`` function (``eval "$(conda shell.bash hook)"``).

    Raises
    ------
    CondaError
        If the shell file is not where it belongs.
    """
    path = os.path.join(root.path, "etc", "profile.d", "conda.sh")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise CondaError("CondaError", f"{path} cannot be read: {error}") from error
    return f"{_export('CONDA_EXE', root.executable)}\n{text}"


def in_bash(change: Change, environment: Mapping[str, str], command: str) -> tuple[list[str], dict[str, str]]:
    """Return the argument list and the environment of a bash that carries out a change and then runs ``command``.

    ``command`` is shell text and finds further arguments in ``"$@"``.  bash starts without the libraries' path, since
    an environment's libtinfo is not the one that bash was built with, and puts it back as its first act; BASH_ENV is
    for the command, not for this shell.
    """
    kept = {name: value for name, value in environment.items() if name not in (LIBRARIES, "BASH_ENV")}
    text = "".join(f"{_export(name, environment[name])}\n" for name in (LIBRARIES, "BASH_ENV") if name in environment)
    return ["bash", "--noprofile", "--norc", "-c", f"{text}{lines_of(change)}{command}", "conda"], kept


def outcome(change: Change, environment: Mapping[str, str]) -> str:
    """Carry out a change in a bash of its own and return the lines that bring any shell's environment to the same end.

    So scripts written for bash serve a plain ``sh``, and one that fails, exits or minds ``set -eu`` cannot take the
    caller along: that one is named on stderr, where all output of scripts goes.  Functions and aliases do not cross.

    Raises
    ------
    CondaError
        If there is no bash, or no environment came back.
    """
    body = "".join(
        f'__script={shlex.quote(script)}\n. "$__script" || echo "conda: warning: $__script failed with $?" >&2\n'
        for script in change.activate
    )
    arguments, kept = in_bash(Change(export=change.export), environment, f"{REPORT}{body}__script=\n")
    try:
        finished = subprocess.run(arguments, env=kept, stdout=subprocess.PIPE, check=False)
    except OSError as error:
        raise CondaError("CondaError", f"activation scripts need bash: {error}") from error
    after = dict(_entries(finished.stdout))
    if "CONDA_PREFIX" not in after:
        raise CondaError("CondaError", f"the activation scripts of {environment.get('CONDA_PREFIX')} left no shell")
    return difference(environment, after)


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return the lines that turn the exported variables ``before`` into those ``after``."""
    names = [name for name in sorted({*before, *after}) if IDENTIFIER.fullmatch(name) and name not in OF_THE_SHELL]
    lines = [f"unset {name}" for name in names if name not in after]
    lines += [_export(name, after[name]) for name in names if name in after and before.get(name) != after[name]]
    return "".join(f"{line}\n" for line in lines)


def _entries(output: bytes) -> Iterable[tuple[str, str]]:
    for entry in output.split(b"\0"):
        name, separator, value = os.fsdecode(entry).partition("=")
        if separator:
            yield name, value


def _export(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}"


def _source(scripts: tuple[str, ...]) -> list[str]:
    """Scripts are not written for ``set -eu``; the shell that has it set gets it back afterwards."""
    if not scripts:
        return []
    return [
        "__conda_flags=$-",
        "set +e +u",
        *(f". {shlex.quote(script)}" for script in scripts),
        'case "$__conda_flags" in *e*) set -e ;; esac',
        'case "$__conda_flags" in *u*) set -u ;; esac',
        "unset __conda_flags",
    ]
