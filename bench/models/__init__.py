"""Two more models, saved by script: ``python -m bench.models slow FOLDER``, ``python -m bench.models big FOLDER``.

Both are saved as code, beside this file, and need what the demo model needs, so that every environment fits them too.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BIG_MB = 500


def made(name: str, folder: Path) -> Path:
    """Return the folder of a model; save it there unless it is there.

    In a process of its own, whose memory and warnings are not the caller's.

    Raises
    ------
    SystemExit
        If it cannot be saved, with the end of what was said about it.
    """
    if not (folder / "MLmodel").exists():
        command = [sys.executable, "-W", "ignore", "-m", "bench.models", name, str(folder)]
        done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"The model {name} could not be saved.\n{done.stderr[-2000:]}")
    return folder
