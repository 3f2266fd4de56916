"""Modules that entry scripts expect of their server, for environments that lack them.

The folder goes to the end of ``sys.path``: whatever the environment has comes first.
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDERS = (Path(__file__).resolve().parent.parent / "fallback", Path("/opt/puncheon/fallback"))
"""Our own modules (the names of azureml-inference-server-http), and packages that the image brings (Flask, …)."""


def offer() -> None:
    """Put the folders at the end of ``sys.path``."""
    for folder in map(str, FOLDERS):
        if folder in sys.path:
            sys.path.remove(folder)
        sys.path.append(folder)


def used() -> list[str]:
    """Return the top-level names that were imported from the folders."""
    names = set()
    for name, module in list(sys.modules.items()):
        # Not by getattr: a module that loads itself when it is first asked for something would do so now.
        file = getattr(module, "__dict__", {}).get("__file__") or ""
        if any(file.startswith(f"{folder}/") for folder in FOLDERS):
            names.add(name.partition(".")[0])
    return sorted(names)
