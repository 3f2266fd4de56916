"""The finished environment, tried: whether it agrees with itself, and whether what will be loaded imports."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from puncheon.environment import inside
from puncheon.environment.common_names import IMPORT_NAMES
from puncheon.environment.spec import EnvironmentSpec
from puncheon.environment.uv import Uv
from puncheon.errors import EnvironmentSolveError

SECONDS = 300
"""A module that takes longer to import hangs."""

SERVER_ENTRY = inside.SERVER_ENTRY
NUMPY_ABI = re.compile(r"numpy\.(dtype|ndarray|ufunc) size changed|numpy\.core\.multiarray failed to import|NumPy 1\.x")


@dataclass(frozen=True)
class Distribution:
    """An installed distribution: its name in PyPI's one spelling, and who installed it (``conda``, ``uv``)."""

    name: str
    version: str
    installer: str


def distributions(site_packages: Path) -> tuple[Distribution, ...]:
    """Return what is installed in a folder, by name."""
    found = {}
    for one in importlib.metadata.distributions(path=[str(site_packages)]):
        name = canonicalize_name(one.metadata["Name"] or "")
        if name:
            found[name] = Distribution(name, one.version, (one.read_text("INSTALLER") or "").strip() or "unknown")
    return tuple(found[name] for name in sorted(found))


def top_level_packages(site_packages: Path, names: Collection[str]) -> frozenset[str]:
    """Return the top-level packages and modules of the named distributions, by what their records list."""
    found = set()
    for one in importlib.metadata.distributions(path=[str(site_packages)]):
        if canonicalize_name(one.metadata["Name"] or "") in names:
            found |= {file.parts[0].removesuffix(".py") for file in one.files or () if file.suffix == ".py"}
    return frozenset(found)


def check_agreement(uv: Uv, installed: Sequence[Distribution], spec: EnvironmentSpec) -> tuple[str, ...]:
    """Check that each distribution's requirements are met; return what is wrong among conda's own packages.

    conda's packages may say less, or more, than their builders meant, so what is wrong among them alone is a warning.

    Raises
    ------
    EnvironmentSolveError
        If a distribution that pip's half brought does not agree with another one.
    """
    by_conda = {one.name for one in installed if one.installer == "conda"}
    warnings: list[str] = []
    faults: list[str] = []
    for line in uv.check():
        # The package `a` requires `b<2`, but `2.0` is installed
        if named := re.match(r"The package `([^`]+)` requires `([\w.-]+)", line):
            by_pip = {canonicalize_name(name) for name in named.groups()} - by_conda
            absent = canonicalize_name(named[2]) not in {one.name for one in installed}
            only_conda = not by_pip or (absent and by_pip == {canonicalize_name(named[2])})
            (warnings if only_conda else faults).append(line)
    if faults:
        raise EnvironmentSolveError(
            "The installed packages do not agree with each other.",
            where=f"{spec.source}, conda's and pip's packages together",
            detail=faults,
            next="Ask for one version of the package in both halves, and log the model again.",
        )
    return tuple(warnings)


def check_imports(python: Path, groups: Sequence[Sequence[str]], spec: EnvironmentSpec, prefix: Path) -> frozenset[str]:
    """Import modules in the environment, each group in a process of its own at the same time.

    Returns
    -------
    The top-level packages that were loaded: what serving this model begins with.

    Raises
    ------
    EnvironmentSolveError
        If a module fails, or the interpreter is not the prefix's own.
    """
    with ThreadPoolExecutor(max_workers=len(groups)) as pool:
        answers = list(pool.map(lambda modules: _ask(python, modules), groups))
    for answer in answers:
        if Path(answer["prefix"]).resolve() != prefix.resolve():
            raise EnvironmentSolveError(
                f"The environment's Python takes {answer['prefix']} for its own folder.",
                where=str(prefix),
                next="The channel's python package cannot be relocated; take another one.",
            )
        if answer["failure"] is not None:
            raise import_failure(answer["failure"], spec)
    return frozenset(name for answer in answers for name in answer["loaded"])


def import_failure(failure: Mapping[str, Any], spec: EnvironmentSpec) -> EnvironmentSolveError:
    """Return the error for a module that does not import: the cause, not its traceback."""
    module, message = str(failure["module"]), str(failure["message"]).strip()
    of_server = module == SERVER_ENTRY
    what = "The inference server" if of_server else f"The model's module {module}"
    where = f"{spec.source}, import of {module}"
    missing = failure.get("missing")
    if missing:
        top = str(missing).split(".")[0]
        package = IMPORT_NAMES.get(top, top)
        return EnvironmentSolveError(
            f"{what} needs the module {top}, which its environment lacks.",
            where=where,
            next=f"Add {package} to `pip:` in {spec.source}, or to extra_pip_requirements when you log the model.",
        )
    if NUMPY_ABI.search(message):
        culprit = _package(failure["files"])
        return EnvironmentSolveError(
            f"{what} does not import: {culprit} was compiled for another numpy than the one that is installed.",
            where=where,
            detail=[f"{failure['kind']}: {message.splitlines()[0]}"],
            next=f"Pin numpy, and {culprit}, to the versions that the model was trained with, and log it again.",
        )
    return EnvironmentSolveError(
        f"{what} does not import: {failure['kind']}.",
        where=f"{where} (in {_package(failure['files'])})",
        detail=message.splitlines()[-6:],
        next="Two packages do not go together: pin the versions that the model was trained with, and log it again.",
    )


def _ask(python: Path, modules: Sequence[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        # -I: nothing of the builder's, neither variables nor a user's packages, is in the way.
        command = [str(python), "-I", str(Path(inside.__file__)), str(answer), *modules]
        try:
            completed = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, errors="replace")
        except subprocess.TimeoutExpired as fault:
            raise EnvironmentSolveError(
                f"An import does not end within {SECONDS} s.",
                where=" ".join(modules),
                next="Look at its start-up code.",
            ) from fault
        if answer.exists():
            result: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
            return result
        raise EnvironmentSolveError(
            f"Python ends with code {completed.returncode} while it imports {' '.join(modules)}.",
            where=str(python),
            detail=completed.stderr.splitlines()[-6:],
            next="A compiled package does not fit this machine: pin another release of it.",
        )


def _package(files: Sequence[str]) -> str:
    """Return the package that the innermost frame of a failure belongs to."""
    tops = [re.split(r"[/.]", name.rpartition("site-packages/")[2])[0] for name in files]
    return tops[-1] if tops else "a package"
