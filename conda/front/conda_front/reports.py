"""The texts and objects that ``conda env list``, ``conda list`` and ``conda info`` print."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from conda_front import INTERFACE, VERSION
from conda_front.activation import level_of
from conda_front.packages import Package, subdir
from conda_front.prefixes import Root, same_path


def environments_text(root: Root, active: str) -> str:
    """Return the table of environments, ``*`` at the active one; an empty line ends it."""
    lines = ["# conda environments:", "#"]
    for prefix in root.prefixes():
        mark = "*" if active and same_path(prefix, active) else " "
        lines.append(f"{root.name_of(prefix):20}  {mark}  {prefix}")
    return "\n".join([*lines, "", ""])


def environments_json(root: Root) -> dict[str, object]:
    """Return the object of ``conda env list --json``."""
    return {"envs": root.prefixes()}


def packages_text(prefix: str, packages: Sequence[Package]) -> str:
    """Return the table of ``conda list``."""
    lines = [
        f"# packages in environment at {prefix}:",
        "#",
        "# Name                    Version                   Build  Channel",
    ]
    for package in packages:
        channel = "" if package.channel.shown == "defaults" else package.channel.shown
        lines.append(f"{package.name:25} {package.version:15} {package.build:>15}    {channel}".rstrip())
    return "\n".join([*lines, ""])


def packages_export(packages: Sequence[Package]) -> str:
    """Return the requirement lines of ``conda list --export``."""
    lines = [
        "# This file may be used to create an environment using:",
        "# $ conda create --name <env> --file <this file>",
        f"# platform: {subdir()}",
    ]
    return "\n".join([*lines, *(package.requirement for package in packages), ""])


def info(root: Root, environment: Mapping[str, str]) -> dict[str, object]:
    """Return the object of ``conda info --json``, as far as there is something to say without a solver."""
    active = environment.get("CONDA_PREFIX") or None
    return {
        "GID": os.getegid(),
        "UID": os.geteuid(),
        "active_prefix": active,
        "active_prefix_name": root.shown_name(active) if active else None,
        "channels": [],
        "conda_location": os.path.join(root.path, "share", "conda-front", "conda_front"),
        "conda_prefix": root.path,
        "conda_shlvl": level_of(environment),
        "conda_version": VERSION,
        "default_prefix": active or root.path,
        "envs": root.prefixes(),
        "envs_dirs": [root.environments],
        "platform": subdir(),
        "python_version": ".".join(map(str, sys.version_info[:3])),
        "root_prefix": root.path,
        "root_writable": os.access(os.path.join(root.path, "conda-meta"), os.W_OK),
        "solver": {"name": "none"},
        "sys.executable": sys.executable,
    }


def info_text(values: Mapping[str, object]) -> str:
    """Return the table of ``conda info`` for an object that ``info`` made."""
    writable = "writable" if values["root_writable"] else "read only"
    environments = values["envs_dirs"]
    rows = [
        ("active environment", values["active_prefix_name"]),
        ("active env location", values["active_prefix"]),
        ("shell level", values["conda_shlvl"]),
        ("conda version", f"{VERSION} (a front with the interface of {INTERFACE})"),
        ("python version", values["python_version"]),
        ("solver", "none: environments are made when the image is built"),
        ("base environment", f"{values['root_prefix']}  ({writable})"),
        ("envs directories", environments[0] if isinstance(environments, list) else environments),
        ("platform", values["platform"]),
        ("UID:GID", f"{values['UID']}:{values['GID']}"),
    ]
    return "\n".join(["", *(f"{name:>23} : {value}" for name, value in rows), "", ""])
