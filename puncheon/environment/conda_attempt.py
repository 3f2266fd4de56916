"""The conda half: which packages, from which channels; what to say where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rattler import (
    ChannelPriority,
    MatchSpec,
    RepoDataRecord,
    Subdir,
    Version,
    VersionSpec,
    VirtualPackage,
    VirtualPackageOverrides,
    solve,
)
from rattler.exceptions import FetchRepoDataError, GatewayError, InvalidChannelError, SolverError

from puncheon.environment.channels import ChannelSource, CondaNetwork, without_credentials
from puncheon.environment.match_spec import CondaPackage
from puncheon.environment.python_patch import nearest_patch

PatchPolicy = Literal["nearest", "exact"]


@dataclass(frozen=True)
class CondaRequest:
    """What is asked of conda: a Python and other packages, and whether another patch release of Python will do."""

    python: CondaPackage
    packages: tuple[CondaPackage, ...] = ()
    patch: PatchPolicy = "nearest"


@dataclass(frozen=True)
class CondaSolution:
    """Records to install; ``warnings`` say where they differ from what was asked for."""

    records: tuple[RepoDataRecord, ...]
    python: str
    channels: tuple[ChannelSource, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """One way to solve: channels in order, and whether a channel hides the packages that later ones have too."""

    channels: tuple[ChannelSource, ...]
    priority: ChannelPriority = ChannelPriority.Strict
    patch: PatchPolicy = "exact"


class Unreachable(Exception):  # noqa: N818 -- a finding, not a fault: another attempt may succeed
    """A channel did not answer; ``args`` are its source (or None) and the reason."""


class Unsolvable(Exception):  # noqa: N818
    """No set of packages fits; ``args`` is the solver's reason."""


def attempts(local: ChannelSource | None, channels: Sequence[ChannelSource], patch: PatchPolicy) -> tuple[Attempt, ...]:
    """Return the ways to solve, in order.

    The local channel is asked alone first: it answers without a network, and whoever filled it meant it to be used,
    so with "nearest" its Python stands in before another channel is asked. Then all channels, as conda's own flexible
    priority has it: the first that has a package decides, unless nothing fits that way.
    """
    everything = (*([local] if local else []), *channels)
    ways: list[Attempt] = []
    if local:
        ways += [Attempt((local,), patch=policy) for policy in _policies(patch)]
    for policy in _policies(patch):
        ways.append(Attempt(everything, patch=policy))
        if len(everything) > 1:
            ways.append(Attempt(everything, ChannelPriority.Disabled, policy))
    return tuple(ways) if channels else tuple(way for way in ways if way.channels == (local,))


async def solve_attempt(request: CondaRequest, attempt: Attempt, network: CondaNetwork) -> CondaSolution:
    """Solve in one way.

    Raises
    ------
    Unreachable
        If a channel cannot be read.
    Unsolvable
        If nothing fits.
    """
    python, warning = request.python, None
    if attempt.patch == "nearest":
        python, warning = stand_in(python, await versions_of("python", attempt, network))
    specs = [_spec(package, attempt.channels) for package in (python, *request.packages)]
    try:
        records = await solve(
            sources=[channel.for_solver() for channel in attempt.channels],
            specs=specs,
            gateway=network.gateway,
            platforms=platforms(),
            virtual_packages=VirtualPackage.detect(VirtualPackageOverrides.from_env()),
            channel_priority=attempt.priority,
        )
    except SolverError as fault:
        raise Unsolvable(str(fault).strip()) from fault
    except (GatewayError, FetchRepoDataError, InvalidChannelError) as fault:
        raise unreachable(fault, attempt.channels) from fault
    versions = [str(record.version) for record in records if record.name.normalized == "python"]
    return CondaSolution(tuple(records), versions[0], _used(records, attempt.channels), (warning,) if warning else ())


def stand_in(python: CondaPackage, available: list[str]) -> tuple[CondaPackage, str]:
    """Return the nearest Python in the minor version that was asked for, and what to say about it.

    Raises
    ------
    Unsolvable
        If there is none, or if the very version is there and something else stands in the way.
    """
    nearest = nearest_patch(python.version, available)
    if nearest is None:
        raise Unsolvable(f"no patch release of Python {python.asked} is there")
    instead = replace(python, text=f"python =={nearest}", build=None, channel=None)
    if not VersionSpec(python.version or "*").matches(Version(nearest)):
        return instead, f"Python {python.asked} is not there; {nearest}, the nearest in its minor version, is used"
    if python.build is None:
        raise Unsolvable(f"Python {nearest} is there, but not with the other packages")
    return instead, f"Python {python.asked}'s build {python.build} is not there; another build of it is used"


async def versions_of(name: str, attempt: Attempt, network: CondaNetwork) -> list[str]:
    """Return every version of a package that the attempt's channels have.

    Raises
    ------
    Unreachable
        If a channel cannot be read.
    """
    try:
        found = await network.gateway.query(
            [channel.for_solver() for channel in attempt.channels], platforms(), [name], recursive=False
        )
    except (GatewayError, FetchRepoDataError, InvalidChannelError) as fault:
        raise unreachable(fault, attempt.channels) from fault
    with_records = [records for records in found if records]
    # With strict priority the first channel that has the package hides the others.
    seen = with_records[:1] if attempt.priority == ChannelPriority.Strict else with_records
    return [str(record.version) for records in seen for record in records]


async def names_in(channels: Sequence[ChannelSource], network: CondaNetwork) -> list[str]:
    """Return the name of every package in the channels.

    Raises
    ------
    Unreachable
        If a channel cannot be read.
    """
    try:
        names = await network.gateway.names([channel.for_solver() for channel in channels], platforms())
    except (GatewayError, FetchRepoDataError, InvalidChannelError) as fault:
        raise unreachable(fault, channels) from fault
    return [name.normalized for name in names]


def platforms() -> list[Subdir]:
    """Return this machine's platform, and ``noarch``."""
    return [Subdir.current(), Subdir("noarch")]


def unreachable(fault: Exception, channels: Sequence[ChannelSource]) -> Unreachable:
    """Return the finding that one of the channels cannot be read: the one whose URL the fault names."""
    text = str(fault).strip()
    for channel in channels:
        # The fault's own URLs have lost their credentials.
        if any(without_credentials(url) in text or url in text for url in channel.urls):
            return Unreachable(channel, text)
    return Unreachable(None, text)


def _spec(package: CondaPackage, channels: tuple[ChannelSource, ...]) -> MatchSpec:
    """Return a package's spec; its channel becomes the URL that the site has for it, or nothing in other channels."""
    text = package.text
    if package.channel is None:
        return MatchSpec(text)
    plain = text.rpartition("::")[2]
    urls = [url for channel in channels if channel.name == package.channel for url in channel.urls]
    # The local channel stands in for the one that is named.
    return MatchSpec(plain if len(channels) == 1 or not urls else f"{urls[0]}::{plain}")


def _used(records: Sequence[RepoDataRecord], channels: tuple[ChannelSource, ...]) -> tuple[ChannelSource, ...]:
    return tuple(
        channel for channel in channels if any(record.url.startswith(url) for record in records for url in channel.urls)
    )


def _policies(patch: PatchPolicy) -> tuple[PatchPolicy, ...]:
    return ("exact", "nearest") if patch == "nearest" else ("exact",)
