"""``environment``: make a conda environment from its files, check it, and leave a report in it.

The conda half is solved and linked by py-rattler, the ``pip:`` half by uv.  With ``--server azmlinfsrv`` the server's
requirement and the model's are solved in one go, so that neither breaks the other.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from puncheon.environment.envfiles import write_tree
from puncheon.environment.making import Making
from puncheon.environment.model_environment import from_conda_yaml
from puncheon.environment.spec import EnvironmentSpec, read_spec
from puncheon.errors import EnvironmentFileError, SettingsError

LOCAL_CHANNEL = Path(__file__).resolve().parents[2] / "conda" / "channel"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``environment``."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--files", type=Path, metavar="FOLDER", help="what `envfiles` wrote")
    source.add_argument("--file", type=Path, metavar="CONDA_YAML", help="a conda environment file of the kit's own")
    parser.add_argument("--prefix", type=Path, required=True, help="the environment's folder; it must not be there yet")
    parser.add_argument(
        "--channel", type=Path, default=LOCAL_CHANNEL, help="a local channel to ask first (default: %(default)s)"
    )
    parser.add_argument(
        "--server", default="none", help="what is installed beside the model: azmlinfsrv, or nothing (puncheon, none)"
    )
    parser.add_argument("--server-version", default="", help='its version, a range, "any"; default: by the Python')
    parser.add_argument(
        "--python-patch", default="nearest", help="where the very Python is absent: nearest (with a warning), exact"
    )
    parser.add_argument(
        "--cache", type=Path, help="keep downloads in this folder (default: beside the prefix, removed at the end)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Make the environment, and leave nothing at its prefix if that fails.

    Raises
    ------
    SettingsError
        If an argument has an impossible value.
    EnvironmentFileError
        If the files are not what they should be, or something is at the prefix already.
    EnvironmentSolveError
        If the environment cannot be made, or does not work.
    """
    _one_of("SERVER", arguments.server, ("none", "puncheon", "azmlinfsrv"))
    _one_of("PYTHON_PATCH", arguments.python_patch, ("nearest", "exact"))
    prefix = arguments.prefix.absolute()
    if prefix.exists() and (not prefix.is_dir() or any(prefix.iterdir())):
        raise EnvironmentFileError(
            f"{prefix} holds something already.", where="--prefix", next="Name a folder that is not there yet."
        )
    prefix.parent.mkdir(parents=True, exist_ok=True)
    with _tree(arguments) as (tree, spec), _cache(arguments.cache, prefix.parent) as cache, _removed_on_failure(prefix):
        making = Making(
            spec=spec,
            tree=tree,
            prefix=prefix,
            cache=cache,
            local_channel=arguments.channel,
            patch=arguments.python_patch,
            server=arguments.server_version if arguments.server == "azmlinfsrv" else None,
        )
        report = asyncio.run(making.run())
        for warning in report.warnings:
            print(f"warning: {warning}", flush=True)
        report.write(prefix)
    return 0


@contextmanager
def _tree(arguments: argparse.Namespace) -> Iterator[tuple[Path, EnvironmentSpec]]:
    """Give the tree that the environment is made from; a conda.yaml of the kit's becomes one for the while."""
    if arguments.files is not None:
        yield arguments.files.absolute(), read_spec(arguments.files)
        return
    if not arguments.file.is_file():
        raise EnvironmentFileError(f"There is no file {arguments.file}.", where="--file")
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary, "envfiles")
        write_tree(from_conda_yaml(arguments.file, root=None, add_pip=False), tree)
        yield tree, read_spec(tree)


@contextmanager
def _cache(kept: Path | None, beside: Path) -> Iterator[Path]:
    """Give a folder for downloads, on the prefix's own file system, so that files are linked and not copied."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.absolute()
        return
    with tempfile.TemporaryDirectory(prefix=".downloads-", dir=beside) as temporary:
        yield Path(temporary)


@contextmanager
def _removed_on_failure(prefix: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        sys.stdout.flush()
        shutil.rmtree(prefix, ignore_errors=True)
        raise


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise SettingsError(
            f"{name}={value} is none of {', '.join(allowed)}.", where=f"--build-arg {name}", next="Choose one of them."
        )
