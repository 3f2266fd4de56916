"""Math threads: one while a model is loaded before a fork, each worker's share afterwards.

A process that is forked has only the thread that forked it.  A pool of OpenMP or BLAS threads that the parent had
started is gone in the child, whose first parallel call then waits for ever (seen with XGBoost, LightGBM and
HistGradientBoosting); a parent with one math thread starts no pool.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from pathlib import Path

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""What the math libraries read when they are loaded."""

LIBRARY = re.compile(r"/lib[^/]*(gomp|iomp5|omp|openblas|mkl_rt|blis)[^/]*\.so[^/]*$")
"""OpenMP's and BLAS's own libraries, also under the names that wheels give to their copies of them."""

SETTERS = (
    "omp_set_num_threads",
    "openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "scipy_openblas_set_num_threads64_",
    "MKL_Set_Num_Threads",
    "bli_thread_set_num_threads",
)
"""What sets the number afterwards: one int, no result (openmp.org, 3.2.1; OpenBLAS's and oneMKL's manuals)."""


def limit(count: int) -> None:
    """Set the number for libraries that are not loaded yet."""
    for name in VARIABLES:
        os.environ[name] = str(count)


def raise_to(count: int) -> None:
    """Set the number in libraries that are loaded (Linux: /proc tells which), for calls from this thread."""
    limit(count)
    for path in loaded_libraries():
        try:
            library = ctypes.CDLL(path)
        except OSError:  # replaced on disk since it was loaded
            continue
        for name in SETTERS:
            if hasattr(library, name):
                getattr(library, name)(count)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)


def loaded_libraries() -> list[str]:
    """Return the files of the math libraries that this process has loaded."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    # Address, permissions, offset, device, inode, and the file (proc_pid_maps(5)), which may have spaces in it.
    files = {line.split(maxsplit=5)[5] for line in lines if line.count("/")}
    return sorted(file for file in files if LIBRARY.search(file))
