"""The image's own small ``conda``: it reads environments that are there and has no solver.

Standard library only, Python 3.8 or newer: it runs on the base environment's Python, without site-packages.
Its verbs, options, printed forms and exit codes are those of conda 23.1, the last one whose ``conda env list`` has the
form of the Azure ML images.
"""

from __future__ import annotations

INTERFACE = "23.1.0"
"""The conda version whose interface this is; other programs read it from ``conda --version``."""

VERSION = f"{INTERFACE}+puncheon"
