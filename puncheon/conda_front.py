"""Where the small ``conda`` of the image goes: ``conda/front/`` → ``/opt/miniconda``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

FRONT = Path(__file__).resolve().parent.parent / "conda" / "front"

INSTALLED: dict[str, tuple[str, ...]] = {
    "conda": ("bin/conda", "condabin/conda"),
    "conda.sh": ("etc/profile.d/conda.sh",),
    "activate-userenv.sh": ("etc/profile.d/userenv.sh",),
    "profile.sh": ("etc/profile.d/profile.sh",),
    "__main__.py": ("share/conda-front/__main__.py",),
    "conda_front": ("share/conda-front/conda_front",),
}
"""A file or folder of ``conda/front`` → its places below the conda root."""


def files() -> Iterator[tuple[Path, str]]:
    """Yield each source file and its place below the conda root, in a fixed order."""
    for name, targets in INSTALLED.items():
        source = FRONT / name
        for target in targets:
            if source.is_dir():
                yield from ((file, f"{target}/{file.name}") for file in sorted(source.glob("*.py")))
            else:
                yield source, target
