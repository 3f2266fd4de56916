"""The front laid out below any folder, as the image has it below /opt/miniconda."""

from __future__ import annotations

from pathlib import Path

from puncheon.conda_front import FRONT, files

__all__ = ["FRONT", "IMAGE_ROOT", "KIT", "lay_out", "source_line"]

KIT = Path(__file__).resolve().parents[2]
IMAGE_ROOT = "/opt/miniconda"


def lay_out(root: Path) -> None:
    """Install the front below ``root``, which is named in its files where they name /opt/miniconda."""
    for source, place in files():
        target = root / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.read_text().replace(IMAGE_ROOT, str(root)))
        target.chmod(source.stat().st_mode)


def source_line(root: Path) -> str:
    """Return the line that /etc/profile.d, /etc/bash.bashrc and ~/.bashrc need."""
    return f". {root}/etc/profile.d/profile.sh\n"
