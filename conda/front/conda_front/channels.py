"""The channel that a package came from, under the names by which conda shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

CLOUD = "https://conda.anaconda.org"
DEFAULTS = "https://repo.anaconda.com/pkgs/"


@dataclass(frozen=True)
class Channel:
    """A channel's short name and its address without platform, user and token; both "" where nothing is known."""

    name: str
    base_url: str

    @property
    def shown(self) -> str:
        """What tables show: the short name where it says enough, else the address."""
        if self.base_url.startswith(DEFAULTS):
            return "defaults"
        return self.name if self.base_url == f"{CLOUD}/{self.name}" else self.base_url or self.name


PYPI = Channel("pypi", f"{CLOUD}/pypi")


def channel(text: str, subdir: str) -> Channel:
    """Return the channel of a record, which says a short name or an address, with or without the platform."""
    text = re.sub(rf"/({re.escape(subdir)}|noarch)$" if subdir else "/noarch$", "", text.rstrip("/"))
    parts = urlsplit(text)
    if not parts.scheme:
        return Channel(text, f"{CLOUD}/{text}" if text else "")
    if parts.scheme == "file":
        return Channel(parts.path.rpartition("/")[2], text)
    path = re.sub(r"^/t/[^/]+", "", parts.path).strip("/")
    host = parts.netloc.rpartition("@")[2]
    return Channel(path or host, f"{parts.scheme}://{host}/{path}".rstrip("/"))
