"""Takes a CPython that is installed on this machine (by pyenv, from source, in a conda environment) for the channel.

Its files name the prefix that it was installed for. In text files the placeholder takes that prefix's place; binaries
may hold it too, but a prefix in a binary cannot be made longer, and CPython finds its home from where the interpreter
lies. So binaries only get search paths relative to themselves, and nothing limits where the package can be installed.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from puncheon.channel.interpreter import PLACEHOLDER, make_python_package, series_of
from puncheon.channel.package import is_binary
from puncheon.channel.progress import Progress
from puncheon.channel.record import SUBDIRS
from puncheon.channel.shared_libraries import elf_files, is_elf, needed_libraries
from puncheon.channel.trim import copy_python
from puncheon.errors import ChannelError

OLDEST = (3, 8)

# What an interpreter says of itself; run by it, so it must be understood by any Python.
QUESTION = """
import json, platform, sys, sysconfig
print(json.dumps({
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "prefix": sys.prefix,
    "base_prefix": getattr(sys, "base_prefix", sys.prefix),
    "stdlib": sysconfig.get_path("stdlib"),
    "site_packages": sysconfig.get_path("purelib"),
    "built_for": sysconfig.get_config_var("prefix"),
    "abi": getattr(sys, "abiflags", "") + ("t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""),
}))
"""


@dataclass(frozen=True)
class Installation:
    """What an installed CPython says of itself; paths are absolute.

    Parameters
    ----------
    abi
        Letters for a build that packages for the ordinary one do not fit: ``d`` debug, ``t`` free-threaded.
    """

    implementation: str
    version: str
    prefix: str
    base_prefix: str
    stdlib: str
    site_packages: str
    built_for: str
    abi: str

    @property
    def series(self) -> str:
        """Return major and minor version, ``3.11``."""
        return series_of(self.version)


def pack_installation(folder: Path, channel: Path, progress: Progress) -> Path:
    """Pack the CPython that is installed in ``folder`` into the channel's folder for this machine.

    Raises
    ------
    ChannelError
        If there is none, or it is of a kind that cannot be packed; the channel is as it was then.
    """
    installation = ask(find_interpreter(folder.absolute()))
    refuse_unfit(installation)
    prefix = Path(installation.prefix)
    progress.say(f"pack CPython {installation.version} of {prefix}")
    with tempfile.TemporaryDirectory(prefix="puncheon-prefix-") as scratch:
        root = Path(scratch, "prefix")
        copy_python(prefix, root, installation.series)
        libraries = copy_libraries(prefix, root)
        for path in elf_files(root):
            strip(path)
        rename_prefix(
            root, {str(folder.absolute()), installation.prefix, installation.base_prefix, installation.built_for}
        )
        compile_modules(prefix, root, installation.series)
        package = make_python_package(
            root,
            machine_subdir(),
            channel / machine_subdir(),
            licenses={},
            extra={"built-from": "an installed CPython", "shared-libraries": libraries},
        )
    progress.say(f"{package.name} ({package.stat().st_size / 1e6:.0f} MB), with {', '.join(libraries) or 'no library'}")
    return package


def machine_subdir() -> str:
    """Return conda's name of this machine's platform.

    Raises
    ------
    ChannelError
        If packages for it cannot be made here.
    """
    subdir = SUBDIRS.get(platform.machine()) if platform.system() == "Linux" else None
    if subdir is None:
        raise ChannelError(
            "An installation can be packed on Linux for x86_64 and aarch64 only.",
            where=f"{platform.system()} {platform.machine()}",
        )
    return subdir


def find_interpreter(folder: Path) -> Path:
    """Return the interpreter of the installation in ``folder``.

    Raises
    ------
    ChannelError
        If there is none.
    """
    for name in ("bin/python3", "bin/python"):
        if (folder / name).is_file() and os.access(folder / name, os.X_OK):
            return folder / name
    raise ChannelError(
        "There is no Python in this folder: neither bin/python3 nor bin/python is a program.",
        where=str(folder),
        next="name the prefix of an installation, as `python3 -c 'import sys; print(sys.base_prefix)'` prints it",
    )


def ask(interpreter: Path) -> Installation:
    """Let an interpreter say what it is, untouched by the caller's environment.

    Raises
    ------
    ChannelError
        If it does not run or does not answer.
    """
    # From "/", so that no module of the caller's folder is taken for one of the library (Python 2 has no -I).
    command = [str(interpreter), "-E", "-s", "-B", "-c", QUESTION]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd="/")
        return Installation(**json.loads(done.stdout))
    except subprocess.CalledProcessError as error:
        raise ChannelError(
            "The interpreter does not run.", where=str(interpreter), detail=error.stderr.splitlines()
        ) from error
    except (OSError, subprocess.TimeoutExpired, ValueError, TypeError) as error:
        raise ChannelError("The interpreter does not run.", where=str(interpreter), detail=[str(error)]) from error


def refuse_unfit(installation: Installation) -> None:
    """Raise ``ChannelError`` for what cannot become conda's ``python``, with the reason and the way out."""
    where = f"{installation.prefix} ({installation.implementation} {installation.version})"
    if installation.implementation != "CPython":
        raise ChannelError("Only CPython can be packed as conda's python.", where=where)
    if tuple(map(int, installation.series.split("."))) < OLDEST:
        raise ChannelError("CPython {}.{} is the oldest that can be packed.".format(*OLDEST), where=where)
    if installation.prefix != installation.base_prefix:
        raise ChannelError(
            "This is a virtual environment, which holds no interpreter of its own.",
            where=where,
            next=f"scripts/channel --from-prefix {installation.base_prefix}",
        )
    if installation.abi:
        raise ChannelError(
            "A debug or free-threaded build cannot be packed: packages for the ordinary one do not fit it.",
            where=f"{where}, ABI flags {installation.abi}",
        )
    own = f"{installation.prefix}/lib/python{installation.series}"
    if (installation.stdlib, installation.site_packages) != (own, f"{own}/site-packages"):
        raise ChannelError(
            "The distribution's own Python cannot be packed: its files are not where conda has them.",
            where=f"{where}: modules in {installation.stdlib}, packages in {installation.site_packages}",
            next="install CPython into a prefix of its own (pyenv install, or configure --prefix)",
        )


def copy_libraries(prefix: Path, root: Path) -> list[str]:
    """Copy what the interpreter and its modules link, less glibc, into ``root/lib`` and return the libraries' names.

    Raises
    ------
    ChannelError
        If a library is not on this machine.
    """
    originals = [prefix / path.relative_to(root) for path in elf_files(root)]
    found, absent = needed_libraries(originals)
    if absent:
        raise ChannelError(
            "The installation needs shared libraries that are not on this machine.",
            where=str(prefix),
            next="install the packages that hold them, or an interpreter that works here",
            detail=[f"{name}, needed by {binary}" for name, binary in sorted(absent.items())],
        )
    copied = []
    for name, path in sorted(found.items()):
        target = root / "lib" / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
            copied.append(name)
    return copied


def strip(path: Path) -> None:
    """Remove symbols for debuggers, where this machine has the tool; a package without it is larger, no worse."""
    tool = shutil.which("strip")
    if tool:
        mode = path.stat().st_mode
        path.chmod(mode | 0o200)
        subprocess.run([tool, "--strip-unneeded", str(path)], capture_output=True, check=False)
        path.chmod(mode)


def rename_prefix(root: Path, prefixes: Iterable[str]) -> None:
    """Put the placeholder in the place of the installation's prefix in every text file below ``root``."""
    # The longest first: one may be part of another. "/" and "/usr" are no prefix of an installation of its own.
    names = sorted((prefix.encode() for prefix in prefixes if prefix.count("/") > 1), key=len, reverse=True)
    for path in root.rglob("*"):
        if path.is_symlink() or not path.is_file() or is_elf(path):
            continue
        content = path.read_bytes()
        if is_binary(content) or not any(name in content for name in names):
            continue
        times = path.stat()
        for name in names:
            content = content.replace(name, PLACEHOLDER.encode())
        path.write_bytes(content)
        os.utime(path, (times.st_atime, times.st_mtime))


def compile_modules(prefix: Path, root: Path, series: str) -> None:
    """Compile the modules below ``root`` with the installation's own interpreter, as conda's packages hold them.

    A module that does not compile stays without bytecode.
    """
    library = f"lib/python{series}"
    command = [
        *(str(prefix / f"bin/python{series}"), "-I", "-S", "-m", "compileall", "-q", "-j", "0"),
        *("--invalidation-mode", "timestamp", "-d", f"/{library}", str(root / library)),
    ]
    subprocess.run(command, capture_output=True, check=False)
