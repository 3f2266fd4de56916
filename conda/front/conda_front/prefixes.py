"""Conda roots and prefixes on disk: names, paths, and what a prefix wants done when it is activated."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from conda_front.errors import CondaError

BASE_NAMES = ("base", "root")
UNSET = "***unset***"
"""The value by which ``conda-meta/state`` says that a variable was taken back."""
RESERVED = ("PATH",)


@dataclass(frozen=True)
class Root:
    """A conda installation: the folder of ``base``, with the other environments under ``envs``."""

    path: str

    @property
    def executable(self) -> str:
        """The program that users and shells call."""
        return os.path.join(self.path, "bin", "conda")

    @property
    def python(self) -> str:
        """The Python of ``base``."""
        return os.path.join(self.path, "bin", "python")

    @property
    def environments(self) -> str:
        """The folder of named environments."""
        return os.path.join(self.path, "envs")

    def prefixes(self) -> list[str]:
        """Return the path of every environment, sorted, ``base`` first."""
        try:
            names = os.listdir(self.environments)
        except OSError:
            names = []
        named = sorted(os.path.join(self.environments, name) for name in names)
        return [self.path, *filter(is_environment, named)]

    def name_of(self, prefix: str) -> str:
        """Return ``base``, a name under ``envs``, or "" for a prefix elsewhere."""
        if same_path(prefix, self.path):
            return "base"
        return os.path.basename(prefix) if same_path(os.path.dirname(prefix), self.environments) else ""

    def shown_name(self, prefix: str) -> str:
        """Return what ``CONDA_DEFAULT_ENV`` and the prompt show: the name, else the path."""
        if same_path(prefix, self.path):
            return "base"
        folder, name = os.path.split(prefix)
        return name if os.path.basename(folder) == "envs" else prefix

    def locate(self, name_or_path: str) -> str:
        """Return the prefix of an environment given by name or, with a slash in it, by path.

        Raises
        ------
        CondaError
            If there is no environment of that name or at that path.
        """
        if "/" in name_or_path:
            return located(name_or_path)
        if name_or_path in BASE_NAMES:
            return self.path
        prefix = os.path.join(self.environments, name_or_path)
        # "." and ".." are folders too, but no names.
        if name_or_path not in ("", ".", "..") and is_environment(prefix):
            return prefix
        known = ", ".join(self.shown_name(prefix) for prefix in self.prefixes())
        raise CondaError(
            "EnvironmentNameNotFound",
            f"Could not find conda environment: {name_or_path}\nThis image has: {known} (`conda env list`).",
        )


def located(path: str) -> str:
    """Return the absolute path of a prefix.

    Raises
    ------
    CondaError
        If no environment is there.
    """
    prefix = os.path.abspath(os.path.expanduser(path))
    if not is_environment(prefix):
        raise CondaError("EnvironmentLocationNotFound", f"Not a conda environment: {prefix}")
    return prefix


def is_environment(prefix: str) -> bool:
    """Whether conda has made something there."""
    return os.path.isdir(os.path.join(prefix, "conda-meta"))


def same_path(one: str, other: str) -> bool:
    """Whether two absolute paths are the same but for slashes and dots."""
    return os.path.normpath(one) == os.path.normpath(other)


def scripts(prefix: str, folder: str) -> list[str]:
    """Return the shell scripts in ``etc/conda/<folder>``, in the order in which conda sources them.

    ``folder`` is ``activate.d`` (sorted) or ``deactivate.d`` (sorted backwards).
    """
    path = os.path.join(prefix, "etc", "conda", folder)
    try:
        names = [name for name in os.listdir(path) if name.endswith(".sh")]
    except OSError:
        return []
    return [os.path.join(path, name) for name in sorted(names, reverse=folder == "deactivate.d")]


def variables(prefix: str) -> dict[str, str]:
    """Return the environment variables that belong to a prefix.

    Packages bring theirs in ``etc/conda/env_vars.d/*.json``; the user's (the ``variables:`` of a conda.yaml) are in
    ``conda-meta/state`` under ``env_vars`` and win.

    Raises
    ------
    CondaError
        If one of these files is not what it should be.
    """
    folder = os.path.join(prefix, "etc", "conda", "env_vars.d")
    found: dict[str, str] = {}
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        names = []
    for name in names:
        found.update(_mapping(os.path.join(folder, name), read_json(os.path.join(folder, name))))
    state = os.path.join(prefix, "conda-meta", "state")
    if os.path.exists(state):
        content = read_json(state)
        found.update(_mapping(state, content.get("env_vars", {}) if isinstance(content, dict) else content))
    return {name: value for name, value in found.items() if value != UNSET and name not in RESERVED}


def read_json(path: str) -> object:
    """Return a file's content.

    Raises
    ------
    CondaError
        If it cannot be read or is not JSON.
    """
    try:
        with open(path, encoding="utf-8") as file:
            content: object = json.load(file)
    except (OSError, ValueError) as error:
        raise CondaError("CorruptedEnvironmentError", f"{path} cannot be read: {error}") from error
    return content


def _mapping(path: str, content: object) -> Mapping[str, str]:
    if isinstance(content, dict) and all(isinstance(value, str) for value in content.values()):
        return content
    raise CondaError("CorruptedEnvironmentError", f"{path} does not map names of variables to strings")
