"""Math threads: one while a model is loaded before a fork, each worker's share afterwards.

A process that is forked has only the thread that forked it.  A pool of OpenMP or BLAS threads that the parent had
started is gone in the child, whose first parallel call then waits for ever (seen with XGBoost, LightGBM and
HistGradientBoosting); a parent with one math thread starts no pool.
"""

from __future__ import annotations

import os
import sys

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""What the math libraries read when they are loaded."""


def limit(count: int) -> None:
    """Set the number for libraries that are not loaded yet."""
    for name in VARIABLES:
        os.environ[name] = str(count)


def raise_to(count: int) -> int | None:
    """Set the number in libraries that are loaded; return it, or None where nothing here can change it.

    threadpoolctl (a part of every scikit-learn environment) knows OpenMP and BLAS libraries; torch has its own call.
    """
    limit(count)
    done = None
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)
        done = count
    try:
        import threadpoolctl
    except ImportError:
        return done
    threadpoolctl.threadpool_limits(count)
    return count
