"""Render the templates: what depends on the kit alone at build time, what depends on settings at every start.

Templates receive finished values and compute nothing.  The output is deterministic.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from puncheon import __version__, conda_front
from puncheon.layout import IMAGE, Layout
from puncheon.origins import map_lines
from puncheon.settings import Settings, given, read

KIT = Path(__file__).resolve().parent.parent
SERVICES = {"puncheon": ("gunicorn", "model", "nginx", "rsyslog"), "azmlinfsrv": ("gunicorn", "nginx", "rsyslog")}
"""runit's services, by the setting SERVER."""

BANNER = "Generated from {template}; do not edit."


@dataclass(frozen=True)
class File:
    """A rendered file: its absolute path in the image, its text and its mode."""

    path: str
    text: str
    mode: int = 0o644


@dataclass(frozen=True)
class Link:
    """A symbolic link in the image."""

    path: str
    target: str


def image_files(given: Mapping[str, str], layout: Layout = IMAGE) -> list[File | Link]:
    """Return what the image carries: runit's services, rsyslog's file, the small conda, the settings of the build."""
    entries: list[File | Link] = [
        File(layout.settings, json.dumps(given, indent=2, sort_keys=True) + "\n"),
        File("/etc/rsyslog.conf", _render("rsyslog/rsyslog.conf.j2", layout, {})),
        # nginx is started as `nginx -g 'daemon off;'`, so it reads its built-in path.
        Link("/etc/nginx/nginx.conf", layout.nginx_conf),
    ]
    server = str(read(given)["SERVER"])
    for service in SERVICES[server]:
        folder = f"{layout.runit}/{service}"
        values = {"service": service, "server": server, "version": __version__}
        for script in ("run", "finish"):
            entries.append(File(f"{folder}/{script}", _render(f"runit/{service}/{script}.j2", layout, values), 0o755))
        # The service folders stay read-only; runsv makes the folder that a `supervise` link points to.
        entries.append(Link(f"{folder}/supervise", layout.runtime_file(f"{service}-supervise")))
    for source, target in conda_front.files():
        mode = 0o755 if target.endswith("bin/conda") else 0o644
        entries.append(File(f"{layout.conda}/{target}", source.read_text(encoding="utf-8"), mode))
    # Login shells of every kind; the Dockerfile adds the same line to bash's own files.
    entries.append(File("/etc/profile.d/puncheon.sh", f". {layout.conda}/etc/profile.d/profile.sh\n"))
    control = f"{layout.runit}/nginx/control/t"
    entries.append(File(control, _render("runit/nginx/control/t.j2", layout, {}), 0o755))
    return entries


def start_files(settings: Settings, layout: Layout = IMAGE) -> list[File | Link]:
    """Return what each start writes: nginx's configuration, and the finished settings for shell scripts."""
    values = {**settings.values, "origins": map_lines(str(settings["AML_CORS_ORIGINS"]))}
    return [
        File(layout.nginx_conf, _render("nginx/nginx.conf.j2", layout, values)),
        File(layout.settings_sh, settings_sh(settings)),
    ]


def settings_sh(settings: Settings) -> str:
    """Return the run-time settings as ``export NAME=value`` lines."""
    lines = (f"export {name}={shlex.quote(value)}" for name, value in sorted(settings.as_environment().items()))
    return "\n".join([f"# {BANNER.format(template='puncheon/settings.py')}", *lines, ""])


def write(entries: list[File | Link], root: Path) -> None:
    """Write all entries below ``root``; an entry that is there is replaced as a whole.

    Raises
    ------
    OSError
        If a folder is not writable.
    """
    for entry in entries:
        target = root / entry.path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        half_written = target.with_name(f".{target.name}.{os.getpid()}")
        if isinstance(entry, Link):
            half_written.symlink_to(entry.target)
        else:
            half_written.write_text(entry.text, encoding="utf-8")
            half_written.chmod(entry.mode)
        half_written.replace(target)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``render``."""
    parser.add_argument("output", type=Path, help="folder that stands for the image's root")
    parser.add_argument("--all", action="store_true", help="also what is rendered at every start")


def run(arguments: argparse.Namespace) -> int:
    """Check the settings in the environment and write the rendered tree."""
    settings = read(os.environ)
    entries = image_files(given(os.environ)) + (start_files(settings) if arguments.all else [])
    write(entries, arguments.output)
    print(f"settings checked; {len(entries)} files and links rendered in {arguments.output}", flush=True)
    return 0


def _render(template: str, layout: Layout, values: Mapping[str, object]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(KIT),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 -- configuration files and scripts, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    banner = BANNER.format(template=template)
    return environment.get_template(template).render(banner=banner, layout=layout, **values)
