"""The steps of making one environment, in order."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name

from puncheon.environment import compile_bytecode
from puncheon.environment.channels import (
    ChannelSource,
    channel_sources,
    conda_network,
    local_channel,
    without_credentials,
)
from puncheon.environment.checks import (
    SERVER_ENTRY,
    Distribution,
    check_agreement,
    check_imports,
    distributions,
    top_level_packages,
)
from puncheon.environment.conda_attempt import CondaRequest, CondaSolution, PatchPolicy
from puncheon.environment.conda_install import install_conda
from puncheon.environment.conda_solve import solve_conda
from puncheon.environment.condarc import read_condarc
from puncheon.environment.match_spec import CondaPackage, parse_match_spec
from puncheon.environment.pip_failure import explain
from puncheon.environment.report import PythonUsed, Report
from puncheon.environment.server import SERVER, server_requirement
from puncheon.environment.spec import EnvironmentSpec
from puncheon.environment.steps import Steps
from puncheon.environment.uv import Uv, uv_for
from puncheon.errors import EnvironmentFileError, EnvironmentSolveError

INSTALLERS = frozenset({"pip", "setuptools", "wheel"})
"""What MLflow names among conda's packages, and no server loads."""

REQUIREMENT_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


@dataclass
class Making:
    """One environment in the making.

    Attributes
    ----------
    server
        ``AZMLINFSRV_VERSION`` as it was given, or None where no server is installed.
    """

    spec: EnvironmentSpec
    tree: Path
    prefix: Path
    cache: Path
    local_channel: Path
    patch: PatchPolicy = "nearest"
    server: str | None = None
    steps: Steps = field(default_factory=Steps)
    warnings: list[str] = field(default_factory=list)

    async def run(self) -> Report:
        """Make the environment.

        Raises
        ------
        EnvironmentSolveError
            If it cannot be made, or does not work.
        """
        if self.spec.python is None:
            raise EnvironmentFileError(f"{self.spec.source} names no python.", where=str(self.tree))
        asked = parse_match_spec(self.spec.python)
        self.warnings += self.spec.warnings
        solution = await self._conda(asked)
        python = self._interpreter(solution)
        uv = uv_for(python, self.tree, self.cache)
        self._pip(uv, solution)
        site_packages = self._site_packages(python)
        installed = distributions(site_packages)
        loaded = self._check(uv, python, installed)
        self._compile(python, site_packages, loaded)
        return self._report(asked, solution, installed)

    async def _conda(self, asked: CondaPackage) -> CondaSolution:
        condarc = read_condarc(Path(os.environ.get("CONDARC") or Path.home() / ".condarc"))
        packages = tuple(parse_match_spec(text) for text in self.spec.conda)
        named = [package.channel for package in (asked, *packages) if package.channel is not None]
        channels = channel_sources([*self.spec.channels, *named], condarc)
        network = conda_network(condarc, self.cache)
        with self.steps.step("solve conda") as step:
            solution = await solve_conda(
                CondaRequest(asked, packages, self.patch), local_channel(self.local_channel), channels, network,
                self.spec.source,
            )  # fmt: skip
            differs = f" (asked {asked.asked}: nearest in its minor)" if solution.warnings else ""
            step.detail = f"python {solution.python}{differs} from {_names(solution.channels)}"
        self.warnings += solution.warnings
        with self.steps.step("install conda") as step:
            await install_conda(solution, self.prefix, network, self.spec.variables)
            step.detail = f"{len(solution.records)} packages"
        return solution

    def _interpreter(self, solution: CondaSolution) -> Path:
        python = self.prefix / "bin" / "python"
        if not python.exists():
            raise EnvironmentSolveError(
                "The python package has no bin/python.",
                where=f"python {solution.python} from {_names(solution.channels)}",
                next="Take another python package.",
            )
        return python

    def _pip(self, uv: Uv, solution: CondaSolution) -> None:
        """Install the pip half and the server, solved together."""
        minor = tuple(int(part) for part in solution.python.split(".")[:2])
        added: list[str] = []
        if self.server is not None:
            requirement = server_requirement(self.server, (minor[0], minor[1]), self.spec.requirements)
            added = [requirement] if requirement else []
        if not self.spec.requirements and not added:
            return
        if self.spec.pip_options.require_hashes and added:
            self.warnings.append(f"{self.spec.source} has hashes, and the server none: only those that are there count")
        with self.steps.step("install pip") as step:
            failure = uv.install(self.spec, added)
            if failure is not None:
                raise explain(failure, uv, self.spec, added, solution.python)
            beside = f" and {' '.join(added)}" if added else ""
            step.detail = f"{len(self.spec.requirements)} requirements{beside}, solved together"

    def _site_packages(self, python: Path) -> Path:
        command = [str(python), "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
        path = Path(completed.stdout.strip() or "/")
        if not path.resolve().is_relative_to(self.prefix.resolve()):
            raise EnvironmentSolveError(
                f"The environment's Python installs into {path}.",
                where=str(self.prefix),
                detail=completed.stderr.splitlines()[-6:],
                next="The channel's python package cannot be relocated, or does not run here; take another one.",
            )
        return path

    def _compile(self, python: Path, site_packages: Path, loaded: frozenset[str]) -> None:
        """Compile bytecode: the image's processes cannot write it, and would compile at every start.

        Of what serves: the packages that the check has loaded, and those that the model's files name.  The rest
        (MLflow's tracking server, say) is a third of an environment's bytecode and is not loaded by a scoring server.
        """
        named = {parse_match_spec(text).name for text in self.spec.conda} - INSTALLERS
        named |= {name for line in self.spec.requirements if (name := _distribution(line))}
        serving = loaded | top_level_packages(site_packages, {canonicalize_name(name) for name in named})
        paths = [str(path) for path in sorted(site_packages.glob("*")) if path.name.removesuffix(".py") in serving]
        if not paths:
            return
        with self.steps.step("compile") as step:
            command = [str(python), "-I", str(Path(compile_bytecode.__file__)), *paths]
            subprocess.run(command, capture_output=True, check=False)
            step.detail = f"bytecode of {len(paths)} packages"

    def _check(self, uv: Uv, python: Path, installed: tuple[Distribution, ...]) -> frozenset[str]:
        groups = [list(self.spec.imports)]
        if self.server is not None:
            groups.append([SERVER_ENTRY])
        with self.steps.step("check") as step:
            self.warnings += check_agreement(uv, installed, self.spec)
            loaded = check_imports(python, groups, self.spec, self.prefix)
            tried = [*self.spec.imports, *(["azmlinfsrv"] if self.server is not None else [])]
            step.detail = f"{len(installed)} distributions agree" + (f"; {', '.join(tried)} import" if tried else "")
        # What is too heavy to be tried is loaded all the same, once the model is.
        return loaded | {name.split(".")[0] for name in self.spec.imports}

    def _report(self, asked: CondaPackage, solution: CondaSolution, installed: tuple[Distribution, ...]) -> Report:
        versions = {one.name: one.version for one in installed}
        return Report(
            source=self.spec.source,
            python=PythonUsed(asked.asked, solution.python),
            server=versions.get(SERVER) if self.server is not None else None,
            channels=tuple(without_credentials(url) for channel in solution.channels for url in channel.urls),
            conda={str(record.name.normalized): str(record.version) for record in solution.records},
            pip=versions,
            imports=self.spec.imports,
            warnings=tuple(dict.fromkeys(self.warnings)),
            seconds=self.steps.seconds,
        )


def _names(channels: tuple[ChannelSource, ...]) -> str:
    return ", ".join(channel.name for channel in channels)


def _distribution(line: str) -> str | None:
    """Return the distribution that a requirement line names, or None where only a URL could tell."""
    if line.startswith("./"):
        # A wheel's or an archive's file name begins with it.
        return line.partition(" ")[0].rpartition("/")[2].partition("-")[0]
    match = REQUIREMENT_NAME.match(line)
    return match[0] if match else None
