"""The Azure ML inference server: which of its releases goes beside a model."""

from __future__ import annotations

from collections.abc import Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from puncheon.errors import EnvironmentSolveError, SettingsError

SERVER = "azureml-inference-server-http"
SETTING = "AZMLINFSRV_VERSION"

# The newest release that runs on each Python, as the releases themselves say; from 3.9 on it is the same.
RELEASES: tuple[tuple[tuple[int, int], str], ...] = (((3, 9), "1.5.1"), ((3, 8), "1.3.4"), ((3, 7), "0.8.4.2"))

OLDEST = "0.8"
"""Older releases log in another form and answer without the request id."""


def server_requirement(choice: str, python: tuple[int, int], requirements: Sequence[str]) -> str | None:
    """Return the requirement to add to the model's, or None where the model's own names the server.

    Parameters
    ----------
    choice
        The setting ``AZMLINFSRV_VERSION``: a version, a specifier such as ``>=1.4,<1.5``, ``any``, or "" for the
        newest release that runs on this Python.
    requirements
        The model's own requirement lines.

    Raises
    ------
    SettingsError
        If the choice is none of these.
    EnvironmentSolveError
        If no release runs on this Python.
    """
    if not choice:
        return None if SERVER in names_of(requirements) else f"{SERVER}=={_release_for(python)}"
    if choice == "any":
        return f"{SERVER}>={OLDEST}"
    try:
        return f"{SERVER}=={Version(choice)}"
    except InvalidVersion:
        pass
    try:
        return f"{SERVER}{SpecifierSet(choice)}"
    except InvalidSpecifier as fault:
        raise SettingsError(
            f"{SETTING}={choice} is no version.",
            where="the server's release, as PyPI has it",
            next=f"Give a version (1.4.1), a range ('>=1.4,<1.5'), or any: --build-arg {SETTING}=any",
        ) from fault


def names_of(requirements: Sequence[str]) -> set[str]:
    """Return the names that requirement lines ask for, in PyPI's one spelling."""
    names: set[str] = set()
    for line in requirements:
        try:
            names.add(canonicalize_name(Requirement(line.split(" --hash")[0]).name))
        except InvalidRequirement:
            continue
    return names


def _release_for(python: tuple[int, int]) -> str:
    for oldest, release in RELEASES:
        if python >= oldest:
            return release
    raise EnvironmentSolveError(
        f"No release of {SERVER} runs on Python {python[0]}.{python[1]}.",
        where="SERVER=azmlinfsrv",
        next="Log the model again with Python 3.9 or newer.",
    )
