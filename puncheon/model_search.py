"""Where in a folder the model is: decided before anything of it is read."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from puncheon.errors import ModelFolderError

MLMODEL = "MLmodel"
MAX_DEPTH = 3
"""How many levels below the given folder a model is looked for."""

SHOWN = 6
"""How many candidates a message names."""


def find_model(path: Path, subfolder: str = "") -> Path:
    """Return the folder that holds MLmodel: ``path``/``subfolder``, or the one model in or below ``path``.

    Raises
    ------
    ModelFolderError
        If ``path`` is absent, empty or a file, or if it holds no model or several.
    """
    check_folder(path)
    if subfolder:
        return _named(path, subfolder)
    if is_model(path):
        return path
    found = models_below(path)
    if not found:
        raise _no_model(path)
    if len(found) > 1:
        names = [str(folder.relative_to(path)) for folder in found]
        raise ModelFolderError(
            f"There are {len(names)} models here, and nothing says which is meant.",
            where=str(path),
            detail=_some(names),
            next=f"Give the folder of one of them: {path / names[0]}",
        )
    return found[0]


def check_folder(path: Path) -> None:
    """Raise ModelFolderError unless ``path`` is a folder with something in it."""
    if not path.exists():
        raise ModelFolderError(f"There is no folder {path}.", where=f"{path}{_meant(path)}", next=_how_to_log())
    if not path.is_dir():
        inside = f" Its folder is {path.parent}." if path.name == MLMODEL else ""
        raise ModelFolderError(
            f"{path} is a file, not a model's folder.{inside}",
            where=str(path),
            next="Give the folder that holds the file MLmodel.",
        )
    if not any(path.iterdir()):
        raise ModelFolderError(f"The folder {path} is empty.", where=str(path), next=_how_to_log())


def is_model(folder: Path) -> bool:
    """Whether a folder holds an MLmodel.

    Raises
    ------
    ModelFolderError
        If a file of such a folder is a link that leaves it: the image would hold the link without its target.
    """
    # A dangling link is one as well: that is how a link that left the folder arrives in a build.
    if not os.path.lexists(folder / MLMODEL):
        return False
    inside = folder.resolve()
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink() and not (path.exists() and path.resolve().is_relative_to(inside)):
                raise ModelFolderError(
                    f"{path.relative_to(folder)} is a link to a file outside of the model's folder.",
                    where=f"{path} -> {path.readlink()}",
                    next="Copy the model with the files that its links point at: cp --recursive --dereference",
                )
    return (folder / MLMODEL).is_file()


def models_below(path: Path) -> list[Path]:
    """Return the folders with an MLmodel, at most ``MAX_DEPTH`` levels down, in order; hidden ones are left out."""
    found: list[Path] = []
    level = [path]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for folder in level
            for child in _folders(folder)
            if not child.name.startswith(".") and not child.is_symlink()
        ]
        found += [folder for folder in level if is_model(folder)]
        # A model may hold models (a pipeline's steps): the outer one is the model.
        level = [folder for folder in level if folder not in found]
    return sorted(found)


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(child for child in folder.iterdir() if child.is_dir())
    except OSError:
        return []


def _named(path: Path, subfolder: str) -> Path:
    folder = path / subfolder
    if not folder.resolve().is_relative_to(path.resolve()):
        raise ModelFolderError(
            f"MLFLOW_MODEL_FOLDER={subfolder} leaves the model's folder.",
            where=str(path),
            next="Give a path inside it.",
        )
    if folder.is_dir() and is_model(folder):
        return folder
    found = [str(model.relative_to(path)) for model in ([path] if is_model(path) else models_below(path))]
    raise ModelFolderError(
        f"MLFLOW_MODEL_FOLDER={subfolder} names no folder with an MLmodel.",
        where=str(folder),
        detail=_some(found),
        next=f"Set it to {found[0]}." if found and found[0] != "." else "Leave it empty.",
    )


def _no_model(path: Path) -> ModelFolderError:
    files = sorted(child.name for child in path.iterdir())
    near = difflib.get_close_matches(MLMODEL.lower(), [name.lower() for name in files], cutoff=0.7)
    meant = [name for name in files if name.lower() in near]
    return ModelFolderError(
        f"There is no MLmodel in {path}, nor up to {MAX_DEPTH} levels below."
        + (f" Did you mean {meant[0]}?" if meant else ""),
        where=str(path),
        detail=["it holds:", *(f"  {name}" for name in _some(files))],
        next=f"Rename {meant[0]} to MLmodel." if meant else _how_to_log(),
    )


def _meant(path: Path) -> str:
    """Return a hint at the name that was meant, from the nearest folder that exists."""
    parent, missing = path.parent, path.name
    while not parent.exists() and parent != parent.parent:
        parent, missing = parent.parent, parent.name
    if not parent.is_dir():
        return ""
    near = difflib.get_close_matches(missing, [child.name for child in _folders(parent)], n=1)
    return f" (did you mean {parent / near[0]}?)" if near else ""


def _how_to_log() -> str:
    return "Give the folder that mlflow.<flavor>.save_model wrote, or that mlflow artifacts download fetched."


def _some(names: list[str]) -> list[str]:
    return names if len(names) <= SHOWN else [*names[: SHOWN - 1], f"and {len(names) - SHOWN + 1} more"]
