"""Which files of a CPython installation make up the ``python`` package.

What conda-forge's own ``python`` leaves out or splits off is left out here too: tests, the static library, IDLE and the
other Tk programs, the wheels of ensurepip, and whatever was installed into ``site-packages``.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

# Where an installation can have files of CPython's own; everything else in the prefix belongs to other packages.
_OWN = (
    r"bin/(python\d?|python{series}|python{series}-config|python\d-config|2to3.*|pydoc\d?|pydoc{series})",
    r"include/python{series}/.*",
    r"lib/libpython{series}\.so.*|lib/libpython3\.so",
    r"lib/pkgconfig/python-?(3|{series})(-embed)?\.pc",
    r"lib/python{series}/.*",
    r"share/man/man1/python.*",
)
_LEFT_OUT = (
    r".*/__pycache__/.*\.opt-[12]\.pyc",
    r".*\.a|.*/python\.o",
    r"lib/python{series}/(test|idlelib|turtledemo|tkinter)/.*",
    r"lib/python{series}/(?:.*/)?(tests?|idle_test)/.*",
    r"lib/python{series}/(__pycache__/)?turtle\..*",
    r"lib/python{series}/ensurepip/_bundled/.*",
    r"lib/python{series}/site-packages/(?!README\.txt$).*",
    # Modules for CPython's own tests; nis would bring Kerberos along.
    r"lib/python{series}/lib-dynload/(_test\w*|_ctypes_test|_xxtestfuzz|xx\w+|_tkinter|nis)\..*",
    r"lib/python{series}/lib-dynload/.*_failed\.so",
)


def is_part_of_python(path: str, series: str) -> bool:
    """Tell whether a file of an installation, named below its prefix, belongs into the package.

    Parameters
    ----------
    series
        Major and minor version, ``3.11``.
    """
    return _matches(_OWN, path, series) and not _matches(_LEFT_OUT, path, series)


def trim(root: Path, series: str) -> None:
    """Remove from ``root/bin``, ``include`` and the interpreter's own folders whatever is not part of the package.

    Shared libraries that were put into ``root/lib`` stay.
    """
    for path in sorted(root.rglob("*"), reverse=True):
        name = path.relative_to(root).as_posix()
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif not is_part_of_python(name, series) and not re.fullmatch(r"lib/[^/]+\.so[.\d]*", name):
            path.unlink()
    (root / f"lib/python{series}/site-packages").mkdir(parents=True, exist_ok=True)


def copy_python(source: Path, target: Path, series: str) -> None:
    """Copy the package's files of the installation at ``source`` to ``target``, with their times.

    Relative links stay links; where an absolute one leads, the file itself is copied.
    """
    roots = ("bin", "include", "lib", "share/man")
    for path in sorted(path for root in roots for path in (source / root).rglob("*")):
        name = path.relative_to(source).as_posix()
        if "__pycache__" in path.parts or (path.is_dir() and not path.is_symlink()):
            continue
        if is_part_of_python(name, series):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target / name, follow_symlinks=path.is_symlink() and path.readlink().is_absolute())


def _matches(patterns: tuple[str, ...], path: str, series: str) -> bool:
    return any(re.fullmatch(pattern.replace("{series}", re.escape(series)), path) for pattern in patterns)
