"""uv, called as a program: its arguments, its environment, and its words when it fails."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from puncheon.environment.certificates import has_system_certificates
from puncheon.environment.pip_conf import PipConfiguration, read_pip_configuration, uv_files
from puncheon.environment.spec import CONSTRAINTS, REQUIREMENTS, EnvironmentSpec, PipOptions
from puncheon.errors import EnvironmentSolveError

FOREIGN = ("PYTHON", "VIRTUAL_ENV", "CONDA_")
"""Beginnings of variables that would make another environment's files seem to be this one's."""

VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")


@dataclass(frozen=True)
class Failure:
    """What uv said when it failed: its explanation, line by line, without its frame."""

    explanation: tuple[str, ...]
    hints: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The explanation as one line."""
        return " ".join(self.explanation)


@dataclass(frozen=True)
class Uv:
    """uv for one environment.

    Attributes
    ----------
    python
        The environment's interpreter.
    tree
        What ``envfiles`` wrote: uv runs in it, since requirement lines name files relative to it.
    environ
        The variables that uv runs with.
    site
        Where packages come from, as the site's configuration says.
    """

    python: Path
    tree: Path
    environ: Mapping[str, str]
    site: PipOptions
    site_has_uv_configuration: bool = False

    def install(self, spec: EnvironmentSpec, added: Sequence[str]) -> Failure | None:
        """Install the model's requirements and the added ones, solved together."""
        # Bytecode is compiled afterwards, for conda's packages too.
        return self._run(
            "pip", "install", *self.target(), "--break-system-packages", "--link-mode=hardlink",
            *self.sources(spec.pip_options), *self.requirements(spec, added), *added,
        )  # fmt: skip

    def compile(self, spec: EnvironmentSpec, added: Sequence[str]) -> list[str] | Failure:
        """Return the pins that solve the requirements, without installing them."""
        lines = [*spec.requirements, *added]
        command = [
            "pip", "compile", "-", *self.target(), "--no-annotate", "--no-header", "--quiet",
            *self.sources(spec.pip_options), *self.constraints(spec),
        ]  # fmt: skip
        completed = self._completed(command, "\n".join(lines))
        return completed.stdout.splitlines() if completed.returncode == 0 else failure(completed.stderr)

    def versions_near(self, spec: EnvironmentSpec, name: str, version: str) -> list[str]:
        """Return the releases of a package just below and just above a version; at most two."""
        found = []
        for operator, resolution in (("<", "highest"), (">", "lowest-direct")):
            command = [
                "pip", "compile", "-", *self.target(), "--no-annotate", "--no-header", "--quiet", "--no-deps",
                "--resolution", resolution, *self.sources(spec.pip_options),
            ]  # fmt: skip
            completed = self._completed(command, f"{name}{operator}{version}")
            found += re.findall(r"^[\w.-]+==(\S+)", completed.stdout if completed.returncode == 0 else "", re.MULTILINE)
        return found

    def check(self) -> list[str]:
        """Return each installed distribution's unmet requirement, in uv's words."""
        completed = self._completed(["pip", "check", *self.target()])
        return [] if completed.returncode == 0 else _lines(completed.stderr)

    def target(self) -> list[str]:
        """Return the arguments that name the environment."""
        return ["--python", str(self.python)]

    def requirements(self, spec: EnvironmentSpec, added: Sequence[str]) -> list[str]:
        """Return the arguments that name the model's requirements; hashes are for all requirements or none."""
        hashed = spec.pip_options.require_hashes and not added
        return [
            *(["--requirement", REQUIREMENTS] if spec.requirements else []),
            *self.constraints(spec),
            *(["--require-hashes"] if hashed else []),
        ]

    def constraints(self, spec: EnvironmentSpec) -> list[str]:
        """Return the arguments that name the model's constraints."""
        return ["--constraints", CONSTRAINTS] if spec.constraints else []

    def sources(self, options: PipOptions) -> list[str]:
        """Return the arguments that say where packages come from and which kind is taken."""
        merged = self.site | options
        arguments: list[str] = []
        if not self.site_has_uv_configuration:
            # pip looks at all indexes and takes the best version; models were logged from environments made so.
            arguments.append("--index-strategy=unsafe-best-match")
        if merged.index_url:
            arguments += ["--default-index", self._expanded(merged.index_url)]
        for name, values in (
            ("--index", merged.extra_index_urls),
            ("--find-links", merged.find_links),
            ("--allow-insecure-host", merged.trusted_hosts),
            ("--no-binary", merged.no_binary),
            ("--only-binary", merged.only_binary),
        ):
            for value in values:
                arguments += [name, self._expanded(value)]
        return [
            *arguments,
            *(["--no-index"] if merged.no_index else []),
            *(["--prerelease=allow"] if merged.pre else []),
        ]

    def _expanded(self, value: str) -> str:
        """Return a value with ``${NAME}`` replaced from the environment, as pip does.

        Raises
        ------
        EnvironmentSolveError
            If the variable is not set in the build.
        """

        def of(match: re.Match[str]) -> str:
            if match[1] not in self.environ:
                raise EnvironmentSolveError(
                    f"`{value}` needs the variable {match[1]}, which the build does not have.",
                    where="the model's pip options",
                    next="Configure the index in conda/build-config/ (pip.conf or uv.toml, and netrc) instead.",
                )
            return self.environ[match[1]]

        return VARIABLE.sub(of, value)

    def _run(self, *arguments: str) -> Failure | None:
        completed = self._completed(arguments)
        return None if completed.returncode == 0 else failure(completed.stderr)

    def _completed(self, arguments: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [find_uv_bin(), *arguments], cwd=self.tree, env=self.environ, input=text, text=True, capture_output=True,
            check=False, errors="replace",
        )  # fmt: skip


def uv_for(python: Path, tree: Path, cache: Path, environ: Mapping[str, str] | None = None) -> Uv:
    """Return uv for an environment, set up as the site's configuration says."""
    environ = os.environ if environ is None else environ
    own = uv_files(environ)
    site = PipConfiguration() if own else read_pip_configuration(environ)
    variables = {name: value for name, value in environ.items() if not name.startswith(FOREIGN)}
    variables.update(site.variables)
    variables.update(
        UV_CACHE_DIR=str(cache / "uv"),
        UV_NO_PROGRESS="1",
        UV_PYTHON_DOWNLOADS="never",
        NO_COLOR="1",
        # The default, 30 s, is short for a wheel of a gigabyte through a busy proxy.
        UV_HTTP_TIMEOUT=variables.get("UV_HTTP_TIMEOUT", "120"),
    )
    if has_system_certificates(variables):
        variables.setdefault("UV_SYSTEM_CERTS", "1")
    return Uv(python, tree, variables, site.options, bool(own))


def failure(stderr: str) -> Failure:
    """Take uv's frame off its words: warnings, ``error:``, ``cause:``, and the indentation."""
    lines = [line for line in _lines(stderr) if not line.startswith(("warning:", "Using Python", "Resolved "))]
    hints = tuple(line.removeprefix("hint:").strip() for line in lines if line.startswith("hint:"))
    return Failure(
        tuple(re.sub(r"^(error|cause): ", "", line) for line in lines if not line.startswith("hint:")), hints
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
