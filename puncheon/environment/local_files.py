"""Files beside an environment file: what they may be, and how they come along."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from puncheon.environment.spec import FILES

ARCHIVES = (".whl", ".zip", ".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tar")
LEFT_OUT = frozenset({"__pycache__", ".git"})


@dataclass
class LocalFiles:
    """The local files of one environment, collected while its files are read.

    Attributes
    ----------
    root
        The folder that nothing may leave; None where the environment file is the kit's own.
    collected
        Path in the tree to path on disk, of every file to bring along.
    """

    root: Path | None
    collected: dict[PurePosixPath, Path] = field(default_factory=dict)

    def find(self, name: str, beside: Path) -> Path:
        """Return the file or folder that ``name`` means in a file of the folder ``beside``.

        Raises
        ------
        ValueError
            With the reason, if it is absent or lies outside of the root.
        """
        relative = name.replace("\\", "/")
        path = beside / relative
        # pip starts from the folder that it runs in, which for MLflow is the model's.
        if not path.exists() and self.root is not None:
            path = self.root / relative
        if self.root is not None and not path.resolve().is_relative_to(self.root.resolve()):
            raise ValueError("lies outside of the model's folder, so the build does not see it")
        if not path.exists():
            raise ValueError("is not there")
        return path

    def bring(self, path: Path) -> str:
        """Note a file, or a folder with all its files, to be brought along; return its name for a requirement line."""
        base = self.root.resolve() if self.root is not None else path.resolve().parent
        target = PurePosixPath(FILES, *path.resolve().relative_to(base).parts)
        if path.is_dir():
            for file in _files_below(path):
                self.collected[target / PurePosixPath(*file.relative_to(path).parts)] = file
        else:
            self.collected[target] = path
        return f"./{target}"


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        yield from (Path(parent, name) for name in sorted(files) if not name.endswith(".pyc"))
