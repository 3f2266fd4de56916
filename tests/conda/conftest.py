"""A conda root as the image has it: real environments from the kit's local channel, with the front laid out in it."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import rattler

from tests.conda.layout import FRONT, IMAGE_ROOT, KIT, lay_out, source_line

sys.path.insert(0, str(FRONT))

CHANNEL = KIT / "conda" / "channel"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Miniconda:
    """A conda root and what the image's ENV says of it."""

    root: Path
    home: Path

    @property
    def conda(self) -> str:
        return str(self.root / "bin" / "conda")

    @property
    def userenv(self) -> Path:
        return self.root / "envs" / "userenv"

    @property
    def amlenv(self) -> Path:
        return self.root / "envs" / "amlenv"

    @property
    def bare(self) -> dict[str, str]:
        """An environment in which conda was never heard of."""
        return {"HOME": str(self.home), "LC_ALL": "C.UTF-8", "PATH": SYSTEM_PATH, "TERM": "dumb"}

    @property
    def activated(self) -> dict[str, str]:
        """The part of the image's ENV that makes ``userenv`` active, from the Dockerfile itself."""
        return {**self.bare, **conda_variables(self.root)}

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run the front in the image's environment, with some variables changed."""
        return run([self.conda, *arguments], {**self.activated, **changes})

    def sh(self, script: str, shell: str = "dash", **changes: str) -> subprocess.CompletedProcess[str]:
        """Run a script in a shell in the image's environment, with some variables changed."""
        return run([shell, "-c", script], {**self.activated, **changes})

    def login(self, *command: str) -> list[str]:
        """Return the arguments that run a command where /etc has what the image's has; only this process sees it."""
        bind = 'mount --bind "$1" /etc/profile.d && mount --bind "$2" /etc/bash.bashrc && shift 2 && exec "$@"'
        etc = self.home.parent / "etc"
        inside = ["sh", "-c", bind, "sh", str(etc / "profile.d"), str(etc / "bash.bashrc"), *command]
        return ["unshare", "--map-root-user", "--mount", *inside]


def run(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False, timeout=60)


def conda_variables(root: Path) -> dict[str, str]:
    """Return the Dockerfile's variables of conda, PATH and LD_LIBRARY_PATH, for another root."""
    text = (KIT / "Dockerfile").read_text().replace("\\\n", " ").replace(IMAGE_ROOT, str(root))
    pairs = [word for line in re.findall(r"(?m)^ENV (.*CONDA_PREFIX.*)$", text) for word in shlex.split(line)]
    variables = dict(pair.split("=", 1) for pair in pairs)
    return {name: value for name, value in variables.items() if re.match(r"CONDA_(?!ENV_DIR)|_CE_|PATH|LD_", name)}


@pytest.fixture(scope="session")
def miniconda(tmp_path_factory: pytest.TempPathFactory) -> Miniconda:
    """base, amlenv and userenv with a Python each, and a package that pip installed in userenv."""
    if not any(CHANNEL.glob("*/repodata.json")):
        pytest.fail(f"{CHANNEL} holds no packages: run `make channel` first")
    folder = tmp_path_factory.mktemp("image")
    made = Miniconda(folder / "miniconda", folder / "home")
    asyncio.run(_install([made.root, made.amlenv, made.userenv], folder / "cache"))
    lay_out(made.root)
    shutil.copytree("/etc/skel", made.home)
    (folder / "etc" / "profile.d").mkdir(parents=True)
    (folder / "etc" / "profile.d" / "conda.sh").write_text(source_line(made.root))
    (folder / "etc" / "bash.bashrc").write_text(Path("/etc/bash.bashrc").read_text() + source_line(made.root))
    with (made.home / ".bashrc").open("a") as file:
        file.write(source_line(made.root))
    _pip_install(made.userenv, _wheel(folder))
    return made


@pytest.fixture
def plant(miniconda: Miniconda) -> Iterator[Callable[[Path, str], Path]]:
    """Write files into the environments for one test: ``plant(path, text)``."""
    planted: list[Path] = []

    def write(path: Path, text: str) -> Path:
        assert not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        planted.append(path)
        return path

    yield write
    for path in planted:
        path.unlink()
    for prefix in (miniconda.amlenv, miniconda.userenv):
        shutil.rmtree(prefix / "etc" / "conda", ignore_errors=True)


async def _install(prefixes: list[Path], cache: Path) -> None:
    records = await rattler.solve(
        sources=[rattler.Channel(CHANNEL.as_uri())],
        specs=["python", "pip"],
        platforms=[rattler.Subdir.current(), rattler.Subdir("noarch")],
        virtual_packages=rattler.VirtualPackage.detect(),
    )
    for prefix in prefixes:
        await rattler.install(records, target_prefix=prefix, cache_dir=cache, show_progress=False)


def _wheel(folder: Path) -> Path:
    wheel = folder / "tiny_model-1.5-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_model.py", "")
        archive.writestr("tiny_model-1.5.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny_model\nVersion: 1.5\n")
        archive.writestr("tiny_model-1.5.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_model-1.5.dist-info/RECORD", "")
    return wheel


def _pip_install(prefix: Path, wheel: Path) -> None:
    python = str(prefix / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(pip, env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}, check=True)
