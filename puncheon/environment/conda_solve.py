"""The conda half, solved in the first way that succeeds; what to say, and what is nearest, when none does."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from rattler import ChannelPriority, Version, VersionSpec

from puncheon.environment.channels import ChannelSource, CondaNetwork
from puncheon.environment.conda_attempt import (
    Attempt,
    CondaRequest,
    CondaSolution,
    Unreachable,
    Unsolvable,
    attempts,
    names_in,
    solve_attempt,
    versions_of,
)
from puncheon.environment.python_patch import nearest_patch, nearest_versions
from puncheon.errors import EnvironmentSolveError

OFFLINE = (
    "Give the site's own channel in conda/build-config/.condarc, or bring the packages in conda/channel "
    "(make channel fills it with Python and pip)."
)


async def solve_conda(
    request: CondaRequest,
    local: ChannelSource | None,
    channels: Sequence[ChannelSource],
    network: CondaNetwork,
    source: str,
) -> CondaSolution:
    """Solve the conda half, in the first way that succeeds.

    Parameters
    ----------
    local
        The kit's own channel, where it holds packages.
    source
        The environment file's name, for messages.

    Raises
    ------
    EnvironmentSolveError
        Naming the channel that does not answer, the package or Python that no channel has and the nearest that
        exists, or the conflict.
    """
    unreachable: Unreachable | None = None
    reasons: list[str] = []
    for attempt in attempts(local, channels, request.patch):
        if unreachable and unreachable.args[0] in (None, *attempt.channels):
            continue
        try:
            return await solve_attempt(request, attempt, network)
        except Unreachable as finding:
            unreachable = finding
        except Unsolvable as finding:
            reasons.append(str(finding.args[0]))
    seen = (local,) if unreachable and local else () if unreachable else (*([local] if local else []), *channels)
    if not seen:
        raise _not_reached(unreachable, channels)
    missing = await _missing(request, seen, network, source, unreachable)
    if missing is not None:
        raise missing
    raise EnvironmentSolveError(
        "The conda packages conflict with each other.",
        where=f"{source}, `dependencies:`; channels: {_shown(seen)}",
        # The solver's own words; the shorter reasons are ours, for a Python that stands in.
        detail=max(reasons, key=len, default="").splitlines(),
        next="Relax one of the pins that are named here, and log the model again.",
    )


async def _missing(
    request: CondaRequest,
    channels: Sequence[ChannelSource],
    network: CondaNetwork,
    source: str,
    unreachable: Unreachable | None,
) -> EnvironmentSolveError | None:
    """Return the error for the first package that the channels lack, or None where they have each of them."""
    everywhere = Attempt(tuple(channels), ChannelPriority.Disabled)
    silent = f"{_channel(unreachable)} did not answer: {_cause(unreachable)}" if unreachable else None
    for package in (request.python, *request.packages):
        versions = await versions_of(package.name, everywhere, network)
        constraint = VersionSpec(package.version or "*")
        if any(constraint.matches(Version(version)) for version in versions):
            continue
        where = f"{source}: {package.text}; channels: {_shown(channels)}"
        detail = [silent] if silent else []
        if package.name == "python":
            return _no_python(request, versions, where, detail)
        if versions:
            near = " and ".join(nearest_versions(package.asked, versions))
            return EnvironmentSolveError(
                f"No channel has {package.name} {package.asked}; the nearest: {near}.",
                where=where,
                detail=detail,
                next=OFFLINE if silent else f"Pin a version that exists in {source}, or move the package to `pip:`.",
            )
        near_names = difflib.get_close_matches(package.name, await names_in(channels, network), n=3)
        meant = f" Did you mean {' or '.join(near_names)}?" if near_names else ""
        return EnvironmentSolveError(
            f"No channel has a package {package.name}.{meant}",
            where=where,
            detail=detail,
            next=OFFLINE if silent else f"Mend its name in {source}, add its channel, or move it to `pip:`.",
        )
    return None


def _no_python(request: CondaRequest, versions: list[str], where: str, detail: list[str]) -> EnvironmentSolveError:
    asked = request.python.asked
    patch = nearest_patch(request.python.version, versions)
    if patch is not None:
        return EnvironmentSolveError(
            f"No channel has Python {asked}; the nearest in its minor version is {patch}.",
            where=where,
            detail=detail,
            next="Accept it with --build-arg PYTHON_PATCH=nearest, or bring that Python in conda/channel.",
        )
    near = nearest_versions(asked, versions)
    return EnvironmentSolveError(
        f"No channel has Python {asked}{'; the nearest: ' + ' and '.join(near) if near else ''}.",
        where=where,
        detail=detail,
        next=(
            "Log the model with a Python that exists, or bring this one in conda/channel: "
            "python -m puncheon channel --from-prefix <its installation>"
        ),
    )


def _not_reached(finding: Unreachable | None, channels: Sequence[ChannelSource]) -> EnvironmentSolveError:
    return EnvironmentSolveError(
        f"{_channel(finding)} cannot be read." if finding else "There is no conda channel to read.",
        where=f"channels: {_shown(channels)}",
        detail=[_cause(finding)] if finding else (),
        next=OFFLINE,
    )


def _channel(finding: Unreachable) -> str:
    channel = finding.args[0]
    return f"The conda channel {channel.shown}" if isinstance(channel, ChannelSource) else "A conda channel"


def _cause(finding: Unreachable) -> str:
    """Return the first and the last line of the chain of causes: what was asked, and why it failed."""
    lines = [line.removeprefix("Caused by: ").strip() for line in str(finding.args[1]).splitlines() if line.strip()]
    return ": ".join(dict.fromkeys((lines[0], lines[-1]))) if lines else "no reason was given"


def _shown(channels: Sequence[ChannelSource]) -> str:
    return ", ".join(channel.shown for channel in channels) or "none"
