"""Which Python stands in where a channel lacks the very patch release that was asked for."""

from __future__ import annotations

from collections.abc import Iterable

from rattler import Version, VersionSpec
from rattler.exceptions import InvalidVersionError

MAX_PATCH = 100
"""Above every patch release that CPython has made of one minor version."""


def nearest_patch(constraint: str | None, available: Iterable[str]) -> str | None:
    """Return the available version that is nearest to what was asked for, in a minor version that was asked for.

    Parameters
    ----------
    constraint
        conda's version constraint, such as ``3.11.7.*`` or ``>=3.9,<3.12``.
    available
        Versions as ``major.minor.patch``.

    Returns
    -------
    The nearest patch release; of two equally near ones the newer, of several minor versions the newest. None where no
    minor version fits.
    """
    asked = VersionSpec(constraint or "*")
    releases = {version: numbers for version in available if (numbers := _release(version)) is not None}
    for minor in sorted({numbers[:2] for numbers in releases.values()}, reverse=True):
        wanted = [patch for patch in range(MAX_PATCH) if asked.matches(Version(f"{minor[0]}.{minor[1]}.{patch}"))]
        if wanted:
            patches = {numbers[2]: version for version, numbers in releases.items() if numbers[:2] == minor}
            return patches[min(patches, key=lambda patch: (min(abs(patch - one) for one in wanted), -patch))]
    return None


def nearest_versions(asked: str, available: Iterable[str], count: int = 2) -> list[str]:
    """Return the versions just below and just above the one that was asked for, in order; at most ``count``."""
    versions = sorted({Version(version) for version in available})
    if not versions:
        return []
    try:
        wanted = Version(asked)
    except InvalidVersionError:
        return [str(version) for version in versions[-count:]]
    below = [version for version in versions if version < wanted][-1:]
    above = [version for version in versions if version >= wanted][:1]
    return [str(version) for version in (below + above)[:count]]


def _release(version: str) -> tuple[int, int, int] | None:
    """Return the three numbers of a final release, or None for a pre-release or anything else."""
    parts = version.split(".")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return None
    return int(parts[0]), int(parts[1]), int(parts[2])
