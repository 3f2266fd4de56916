"""Run by the environment's own interpreter: compile the bytecode of packages.

Takes half the time of ``compileall -j``, which hands out files one by one: here each process gets its share of small
and large ones.  Needs the standard library of Python 3.7 alone, and is run as a file.
"""

from __future__ import annotations

import compileall
import gc
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

LEFT_OUT = ("__pycache__", "test", "tests")
"""Test suites are never imported by a server, and their bytecode is a tenth of an environment's size."""

SHARES = 16
"""For each processor, so that none of them ends long before the others."""


def sources(path: str) -> Iterator[str]:
    """Yield a module, or every module below a folder."""
    if path.endswith(".py"):
        yield path
    for parent, folders, files in os.walk(path):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        for name in files:
            if name.endswith(".py"):
                yield f"{parent}/{name}"


def compile_all(modules: list[str]) -> None:
    """Compile modules that are not yet; one that cannot be is no fault: packages carry templates and code of others."""
    gc.disable()
    for module in modules:
        compileall.compile_file(module, quiet=2)


def main(paths: list[str]) -> None:
    """Compile the given modules and folders, with every processor."""
    processors = len(os.sched_getaffinity(0))
    modules = sorted((module for path in paths for module in sources(path)), key=os.path.getsize, reverse=True)
    shares = [modules[begin :: SHARES * processors] for begin in range(SHARES * processors)]
    try:
        with ProcessPoolExecutor(processors) as pool:
            list(pool.map(compile_all, shares))
    except (ImportError, OSError):
        # A builder without shared memory has no pool.
        compile_all(modules)


if __name__ == "__main__":
    main(sys.argv[1:])
