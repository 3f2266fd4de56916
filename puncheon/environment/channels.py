"""conda channels as py-rattler takes them, and the way to reach them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from rattler import Channel, Client, Config, Gateway, MultiSource, Subdir

from puncheon.environment.certificates import has_system_certificates
from puncheon.environment.condarc import Condarc

RETRIES = 2
PACKAGE_ENDINGS = (".conda", ".tar.bz2")


@dataclass(frozen=True)
class ChannelSource:
    """One channel of an environment file: the name that it has there, and its URLs."""

    name: str
    urls: tuple[str, ...]

    def for_solver(self) -> Channel | MultiSource:
        """Return what py-rattler's solver takes; the parts of ``defaults`` have one rank."""
        parts = [Channel(url) for url in self.urls]
        return parts[0] if len(parts) == 1 else MultiSource(self.name, parts)

    @property
    def shown(self) -> str:
        """The channel for messages: its name, and its URL where the name does not say it."""
        urls = " and ".join(without_credentials(url) for url in self.urls)
        return self.name if self.name == urls else f"{self.name} ({urls})"


def local_channel(folder: Path) -> ChannelSource | None:
    """Return the channel in a folder, or None where it holds no package for this machine."""
    for subdir in (str(Subdir.current()), "noarch"):
        if any(path.name.endswith(PACKAGE_ENDINGS) for path in _entries(folder / subdir)):
            return ChannelSource("conda/channel", (folder.resolve().as_uri(),))
    return None


def channel_sources(names: Iterable[str], condarc: Condarc) -> tuple[ChannelSource, ...]:
    """Return the channels that an environment file names, in its order."""
    return tuple(ChannelSource(name, condarc.urls(name)) for name in dict.fromkeys(names))


@dataclass(frozen=True)
class CondaNetwork:
    """How channels are read and packages fetched."""

    gateway: Gateway
    client: Client
    cache: Path


def conda_network(condarc: Condarc, cache: Path, environ: Mapping[str, str] | None = None) -> CondaNetwork:
    """Return the way to the channels, with the site's certificates and proxies."""
    environ = os.environ if environ is None else environ
    if isinstance(condarc.ssl_verify, str):
        # The only way to give a bundle to the libraries below.
        os.environ["SSL_CERT_FILE"] = condarc.ssl_verify
    config = Config()
    if has_system_certificates(environ) or isinstance(condarc.ssl_verify, str):
        config.set("tls-root-certs", "system")
    if condarc.ssl_verify is False:
        config.set("tls-no-verify", "true")
    for scheme in ("http", "https"):
        if scheme in condarc.proxies:
            config.set(f"proxy-config.{scheme}", condarc.proxies[scheme])
    client = Client.from_config(config, max_retries=RETRIES)
    gateway = Gateway(cache_dir=cache / "repodata", client=client)
    return CondaNetwork(gateway, client, cache / "packages")


def without_credentials(url: str) -> str:
    """Return a URL without user, password and conda's ``/t/TOKEN`` part."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    path = parts.path
    if path.startswith("/t/"):
        path = "/" + path.removeprefix("/t/").partition("/")[2]
    return urlunsplit(parts._replace(netloc=host, path=path))


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
