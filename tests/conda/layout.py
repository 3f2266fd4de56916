"""Where the front's files go in the image, laid out below any folder."""

from __future__ import annotations

import shutil
from pathlib import Path

KIT = Path(__file__).resolve().parents[2]
FRONT = KIT / "conda" / "front"
IMAGE_ROOT = "/opt/miniconda"

INSTALLED = {
    "conda": ("bin/conda", "condabin/conda"),
    "conda.sh": ("etc/profile.d/conda.sh",),
    "activate-userenv.sh": ("etc/profile.d/userenv.sh",),
    "profile.sh": ("etc/profile.d/profile.sh",),
    "__main__.py": ("share/conda-front/__main__.py",),
    "conda_front": ("share/conda-front/conda_front",),
}
"""Source in ``conda/front`` → targets below ``/opt/miniconda``."""


def lay_out(root: Path) -> None:
    """Install the front below ``root``, which stands for /opt/miniconda and is named in its place."""
    for source, targets in INSTALLED.items():
        for target in targets:
            _install(FRONT / source, root / target, root)


def source_line(root: Path) -> str:
    """Return the line that /etc/profile.d, /etc/bash.bashrc and ~/.bashrc need."""
    return f". {root}/etc/profile.d/profile.sh\n"


def _install(source: Path, target: Path, root: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    elif source.suffix == ".sh":
        target.write_text(source.read_text().replace(IMAGE_ROOT, str(root)))
    else:
        shutil.copy2(source, target)
