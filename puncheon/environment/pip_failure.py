"""What to say when the pip half cannot be installed: what is wrong, both names of a conflict, and the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from puncheon.environment.channels import without_credentials
from puncheon.environment.common_names import meant
from puncheon.environment.conda_install import without_urls
from puncheon.environment.explanation import mentions, shortened
from puncheon.environment.server import OLDEST, SERVER, SETTING
from puncheon.environment.spec import EnvironmentSpec
from puncheon.environment.uv import Failure, Uv
from puncheon.errors import EnvironmentSolveError

NOT_FOUND = re.compile(r"([\w.-]+) was not found in the")
NO_VERSION = re.compile(r"there (?:is|are) no versions? of ([\w.-]+?)(?=[<>=!~{,\s]|\[)")
NO_FIT = re.compile(
    r"([\w.-]+?)(?:==\S+)? has no (?:usable )?wheels|and ([\w.-]+?)(?:==\S+)? depends on(?: one of:)? *Python"
)
FETCH = re.compile(r"Failed to fetch: `?([^\s`]+)|error sending request for url \(([^)\s]+)\)")
BUILD = re.compile(r"Failed to (?:build|download and build) `([^`]+)`")
UNSOLVED = re.compile(r"No solution found|depends on|you require")
GIT = re.compile(r"\bGit (operation failed|executable)")
INDEX_ADVICE = "Configure the index that this network has in conda/build-config/ (pip.conf or uv.toml, *.crt, netrc)."


def explain(
    failure: Failure, uv: Uv, spec: EnvironmentSpec, added: Sequence[str], python: str
) -> EnvironmentSolveError:
    """Return the error for a failed installation; uv is asked again where the answer shows the way out.

    Parameters
    ----------
    added
        The kit's own requirement: the server's, or none.
    python
        The environment's Python version.
    """
    if build := BUILD.search(failure.text):
        return _not_built(build[1], failure, spec)
    if fetch := FETCH.search(failure.text):
        return _not_fetched(fetch[1] or fetch[2], failure, spec)
    if GIT.search(failure.text):
        return _without_git(failure, spec)
    if not UNSOLVED.search(failure.text):
        return _otherwise(failure, spec)
    asked = direct_requirements(spec.requirements)
    for found in NOT_FOUND.finditer(failure.text):
        return _not_there(found[1], failure, spec, asked)
    for found in NO_VERSION.finditer(failure.text):
        if line := asked.get(canonicalize_name(found[1])):
            return _no_version(line, uv, spec)
        if added and canonicalize_name(found[1]) == SERVER:
            return _no_release(added[0], uv, spec)
    if added and mentions(failure.text, SERVER):
        return _beside_server(failure, uv, spec, added[0], python)
    for found in NO_FIT.finditer(failure.text):
        if line := asked.get(canonicalize_name(found[1] or found[2])):
            return EnvironmentSolveError(
                f"`{line}` does not run on Python {python}.",
                where=f"{spec.source}, pip's requirements",
                detail=[*shortened(failure.explanation), *failure.hints],
                next="Pin a release that does, or log the model with the Python that it was trained with.",
            )
    return EnvironmentSolveError(
        f"The model's requirements conflict with each other: {_named(failure, asked)}.",
        where=f"{spec.source}, pip's requirements",
        detail=[*shortened(failure.explanation), *failure.hints],
        next="Relax one of the pins that are named here, and log the model again.",
    )


def direct_requirements(lines: Sequence[str]) -> dict[str, str]:
    """Return each requirement line by its name in PyPI's one spelling."""
    found: dict[str, str] = {}
    for line in lines:
        try:
            found[canonicalize_name(Requirement(line.split(" --hash")[0]).name)] = line.split(" --hash")[0]
        except InvalidRequirement:
            continue
    return found


def _beside_server(failure: Failure, uv: Uv, spec: EnvironmentSpec, server: str, python: str) -> EnvironmentSolveError:
    """Return the error for a model that the server does not go with, and the release of it that does."""
    asked = direct_requirements(spec.requirements)
    theirs = _named(failure, asked)
    fitting = uv.compile(spec, [f"{SERVER}>={OLDEST}"])
    if not isinstance(fitting, Failure):
        release = direct_requirements(fitting)[SERVER].partition("==")[2]
        advice = f"{SERVER} {release} fits: --build-arg {SETTING}={release}"
    else:
        alone = uv.compile(spec, [])
        if isinstance(alone, Failure):
            return explain(alone, uv, spec, [], python)
        advice = f"No release of the server fits: relax {theirs} in {spec.source}, and log the model again."
    return EnvironmentSolveError(
        f"The model's {theirs} and the server's `{server}` exclude each other.",
        where=f"{spec.source} beside SERVER=azmlinfsrv",
        detail=shortened(failure.explanation),
        next=advice,
    )


def _no_release(server: str, uv: Uv, spec: EnvironmentSpec) -> EnvironmentSolveError:
    requirement = Requirement(server)
    near = " and ".join(_near(requirement, uv, spec))
    return EnvironmentSolveError(
        f"There is no release {str(requirement.specifier).removeprefix('==')} of {SERVER}."
        + (f" The nearest: {near}." if near else ""),
        where=f"{SETTING}, beside {spec.source}",
        next="Give a release that exists, or leave the setting empty.",
    )


def _named(failure: Failure, asked: dict[str, str]) -> str:
    """Return the requirement lines that an explanation names."""
    lines = [f"`{line}`" for name, line in asked.items() if mentions(failure.text, name)]
    return " and ".join(lines[:3]) or "see below"


def _not_there(name: str, failure: Failure, spec: EnvironmentSpec, asked: dict[str, str]) -> EnvironmentSolveError:
    line = asked.get(canonicalize_name(name))
    near = meant(name)
    return EnvironmentSolveError(
        f"No index has a package {name}." + (f" Did you mean {near}?" if near else ""),
        where=f"{spec.source}: {line}" if line else f"{spec.source}, needed by {_named(failure, asked)}",
        detail=[] if line else shortened(failure.explanation),
        next=f"Mend its name in {spec.source}, or add its index (--extra-index-url, or conda/build-config/).",
    )


def _no_version(line: str, uv: Uv, spec: EnvironmentSpec) -> EnvironmentSolveError:
    requirement = Requirement(line)
    version = str(requirement.specifier).removeprefix("==")
    near = " and ".join(_near(requirement, uv, spec))
    return EnvironmentSolveError(
        f"No index has {requirement.name} {version}." + (f" The nearest: {near}." if near else ""),
        where=f"{spec.source}: {line}",
        next=f"Pin a version that exists in {spec.source}, or add the index that has it.",
    )


def _near(requirement: Requirement, uv: Uv, spec: EnvironmentSpec) -> list[str]:
    version = next((one.version.removesuffix(".*") for one in requirement.specifier), "0")
    return uv.versions_near(spec, requirement.name, version)


def _not_built(what: str, failure: Failure, spec: EnvironmentSpec) -> EnvironmentSolveError:
    name = re.split(r"[=@ ]", what)[0]
    near = meant(name)
    return EnvironmentSolveError(
        f"`{what}` has no wheel for this Python and platform, and cannot be built."
        + (f" Did you mean {near}?" if near else ""),
        where=f"{spec.source}, pip's requirements",
        detail=[*without_urls("\n".join(failure.explanation)).splitlines(), *failure.hints],
        next="Pin a release with a wheel, or build the wheel once and log it with the model (./wheels/name.whl).",
    )


def _not_fetched(url: str, failure: Failure, spec: EnvironmentSpec) -> EnvironmentSolveError:
    causes = without_urls("\n".join(failure.explanation)).splitlines()
    return EnvironmentSolveError(
        f"The package index does not answer: {without_credentials(url)}.",
        where=f"{spec.source}, pip's requirements",
        detail=list(dict.fromkeys((causes[0], causes[-1]))),
        next=INDEX_ADVICE,
    )


def _otherwise(failure: Failure, spec: EnvironmentSpec) -> EnvironmentSolveError:
    altered = "ash mismatch" in failure.text
    return EnvironmentSolveError(
        "A package is not the one whose hash is written." if altered else "pip's requirements cannot be installed.",
        where=f"{spec.source}, pip's requirements",
        detail=[*without_urls("\n".join(failure.explanation)).splitlines(), *failure.hints],
        next="Find out who changed the package, or write its new hash." if altered else "Mend what uv names here.",
    )


def _without_git(failure: Failure, spec: EnvironmentSpec) -> EnvironmentSolveError:
    lines = [f"`{line}`" for line in spec.requirements if "git+" in line]
    return EnvironmentSolveError(
        f"A repository cannot be fetched: {' and '.join(lines[:3])}.",
        where=f"{spec.source}, pip's requirements",
        detail=without_urls("\n".join(failure.explanation)).splitlines(),
        next="Log the package as a wheel with the model (./wheels/name.whl), or give an archive's URL.",
    )
