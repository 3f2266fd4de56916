"""conda's language for packages (match specs), read by py-rattler as conda reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rattler import MatchSpec
from rattler.exceptions import InvalidMatchSpecError

PLAIN_VERSION = re.compile(r"\d\w*(?:\.\w+)*")
PYTHON_VERSION = re.compile(r"[<>=!~ ]*\d|\*?$")
NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*")


@dataclass(frozen=True)
class CondaPackage:
    """A match spec, taken apart.

    Attributes
    ----------
    text
        The whole spec, in one spelling.
    version
        A version constraint (``3.11.*``, ``>=3.9,<3.12``, ``==3.10``), or None.
    """

    text: str
    name: str
    version: str | None = None
    build: str | None = None
    channel: str | None = None

    @property
    def asked(self) -> str:
        """The version as a person would say it: ``3.11.7`` for ``3.11.7.*`` and ``==3.11.7``."""
        version = self.version or ""
        plain = version.removeprefix("==").removesuffix(".*")
        return plain if PLAIN_VERSION.fullmatch(plain) else version


def parse_match_spec(entry: str) -> CondaPackage:
    """Read one entry of ``dependencies:``.

    Raises
    ------
    ValueError
        With the reason, if it is no match spec.
    """
    try:
        spec = MatchSpec(entry.strip())
    except InvalidMatchSpecError as fault:
        raise ValueError(str(fault).splitlines()[0]) from fault
    name = spec.name.normalized or ""
    if not NAME.fullmatch(name) or PLAIN_VERSION.fullmatch(name):
        raise ValueError("it names no package")
    if name == "python" and not PYTHON_VERSION.match(spec.version or ""):
        raise ValueError("it names no version")
    if " " in (spec.build or ""):
        raise ValueError("it has more parts than name, version and build")
    channel = spec.channel
    return CondaPackage(
        text=str(spec),
        name=name,
        version=spec.version,
        build=spec.build,
        channel=None if channel is None else channel.name or channel.base_url,
    )
