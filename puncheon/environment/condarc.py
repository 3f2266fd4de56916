"""A site's .condarc: how channel names become URLs, and how they are reached.

Source of the format: conda's configuration. Honoured are ``channel_alias``, ``default_channels``, ``custom_channels``,
``custom_multichannels``, ``ssl_verify`` and ``proxy_servers``; all else steers conda itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from puncheon.errors import EnvironmentFileError
from puncheon.yaml_file import YamlValue, read_yaml

DEFAULT_ALIAS = "https://conda.anaconda.org"
DEFAULTS_SERVER = "https://repo.anaconda.com"
DEFAULTS = ("pkgs/main", "pkgs/r")
"""What conda's ``defaults`` stands for on Linux."""


@dataclass(frozen=True)
class Condarc:
    """What of a .condarc is honoured.

    Attributes
    ----------
    ssl_verify
        True, False, or the path of a CA bundle.
    proxies
        ``http`` and ``https`` to a proxy's URL.
    """

    channel_alias: str = DEFAULT_ALIAS
    default_channels: tuple[str, ...] = DEFAULTS
    custom_channels: Mapping[str, str] = field(default_factory=dict)
    custom_multichannels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ssl_verify: bool | str = True
    proxies: Mapping[str, str] = field(default_factory=dict)

    def urls(self, channel: str) -> tuple[str, ...]:
        """Return the URLs that a channel's name stands for: several for ``defaults`` and multichannels."""
        if channel == "defaults":
            return tuple(url for name in self.default_channels for url in self.urls(name))
        if channel in self.custom_multichannels:
            return tuple(url for name in self.custom_multichannels[channel] for url in self.urls(name))
        if "://" in channel:
            return (channel.rstrip("/"),)
        return (self._url(channel),)

    def _url(self, name: str) -> str:
        # A custom channel's location also serves the channels whose names begin with its name.
        for custom in sorted(self.custom_channels, key=len, reverse=True):
            if name == custom or name.startswith(f"{custom}/"):
                return f"{self.custom_channels[custom].rstrip('/')}/{name}"
        server = DEFAULTS_SERVER if name.startswith("pkgs/") else self.channel_alias
        return f"{server.rstrip('/')}/{name}"


def read_condarc(path: Path) -> Condarc:
    """Read a .condarc; an absent one gives conda's own defaults.

    Raises
    ------
    EnvironmentFileError
        If it is no YAML, or a key that is honoured has the wrong shape.
    """
    if not path.is_file() or not path.read_bytes().strip():
        return Condarc()
    top = read_yaml(path, EnvironmentFileError).mapping(".condarc")
    return Condarc(
        channel_alias=top["channel_alias"].text("`channel_alias:`") if "channel_alias" in top else DEFAULT_ALIAS,
        default_channels=_list(top["default_channels"]) if "default_channels" in top else DEFAULTS,
        custom_channels=_texts(top.get("custom_channels"), "`custom_channels:`"),
        custom_multichannels={
            name: _list(value)
            for name, value in _pairs(top.get("custom_multichannels"), "`custom_multichannels:`").items()
        },
        ssl_verify=_ssl_verify(top.get("ssl_verify")),
        proxies=_texts(top.get("proxy_servers"), "`proxy_servers:`"),
    )


def _pairs(value: YamlValue | None, what: str) -> Mapping[str, YamlValue]:
    return {} if value is None or value.is_null else value.mapping(what)


def _texts(value: YamlValue | None, what: str) -> Mapping[str, str]:
    return {name: entry.text(what) for name, entry in _pairs(value, what).items()}


def _list(value: YamlValue) -> tuple[str, ...]:
    return tuple(entry.text("A channel") for entry in value.sequence("A list of channels"))


def _ssl_verify(value: YamlValue | None) -> bool | str:
    if value is None or value.is_null:
        return True
    plain = value.plain()
    if isinstance(plain, bool):
        return plain
    text = value.text("`ssl_verify:`")
    # conda's word for the system's certificates, which are used here anyway.
    return True if text == "truststore" else text
