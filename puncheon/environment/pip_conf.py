"""A site's pip.conf, honoured by uv too, which does not read it.

Source of the format: pip's configuration files and ``PIP_*`` variables. Honoured are the keys of ``KEYS``, ``cert``,
``proxy`` and ``timeout``, in the sections ``[global]`` and ``[install]``.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from puncheon.environment.spec import PipOptions
from puncheon.errors import EnvironmentFileError

SECTIONS = ("global", "install")
KEYS = ("index-url", "extra-index-url", "find-links", "trusted-host", "no-index", "no-binary", "only-binary", "pre")
AS_VARIABLES = {"cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY", "timeout": "UV_HTTP_TIMEOUT"}
"""Keys that uv takes as variables of its environment."""


@dataclass(frozen=True)
class PipConfiguration:
    """What a site's pip configuration says: options, and variables for uv."""

    options: PipOptions = field(default_factory=PipOptions)
    variables: Mapping[str, str] = field(default_factory=dict)


def configuration_files(environ: Mapping[str, str], root: Path = Path("/")) -> tuple[Path, ...]:
    """Return pip's configuration files in the order that pip reads them, later ones over earlier ones."""
    explicit = environ.get("PIP_CONFIG_FILE")
    if explicit == os.devnull:
        return ()
    home = Path(environ.get("HOME") or Path.home())
    files = [
        *(Path(folder, "pip/pip.conf") for folder in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")),
        root / "etc/pip.conf",
        home / ".pip/pip.conf",
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf",
        *([Path(explicit)] if explicit else []),
    ]
    return tuple(path for path in files if path.is_file())


def uv_files(environ: Mapping[str, str], root: Path = Path("/")) -> tuple[Path, ...]:
    """Return uv's own configuration files; where there is one, it alone says where packages come from."""
    home = Path(environ.get("HOME") or Path.home())
    explicit = environ.get("UV_CONFIG_FILE")
    files = [
        root / "etc/uv/uv.toml",
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "uv/uv.toml",
        *([Path(explicit)] if explicit else []),
    ]
    return tuple(path for path in files if path.is_file())


def read_pip_configuration(environ: Mapping[str, str], root: Path = Path("/")) -> PipConfiguration:
    """Return what pip's configuration files and ``PIP_*`` variables say.

    Raises
    ------
    EnvironmentFileError
        If a file is not in pip's format.
    """
    values: dict[str, str] = {}
    for path in configuration_files(environ, root):
        values.update(_read(path))
    for key in (*KEYS, *AS_VARIABLES):
        if found := environ.get(f"PIP_{key.upper().replace('-', '_')}"):
            values[key] = found
    return PipConfiguration(
        options=PipOptions(
            index_url=values.get("index-url"),
            extra_index_urls=_words(values.get("extra-index-url")),
            find_links=_words(values.get("find-links")),
            trusted_hosts=_words(values.get("trusted-host")),
            no_binary=_words(values.get("no-binary")),
            only_binary=_words(values.get("only-binary")),
            no_index=_truth(values.get("no-index")),
            pre=_truth(values.get("pre")),
        ),
        variables={name: values[key] for key, name in AS_VARIABLES.items() if key in values},
    )


def _read(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except (configparser.Error, UnicodeDecodeError, OSError) as fault:
        raise EnvironmentFileError(
            f"pip's configuration cannot be read: {str(fault).splitlines()[0]}",
            where=str(path),
            next="Mend the file; pip's format is [section] and key = value.",
        ) from fault
    return {
        key.replace("_", "-"): value
        for section in SECTIONS
        if parser.has_section(section)
        for key, value in parser.items(section)
    }


def _words(value: str | None) -> tuple[str, ...]:
    return tuple((value or "").replace(",", " ").split())


def _truth(value: str | None) -> bool:
    return (value or "").strip().lower() in {"1", "true", "yes", "on"}
