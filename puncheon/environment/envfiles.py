"""``envfiles MODEL OUT``: write what a model's environment depends on, and nothing else.

The tree (see ``puncheon.environment.spec``) is the same byte for byte when the model is trained again in the same
environment, so an image builder that caches by content makes the environment once.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from puncheon.environment.model_environment import read_model_environment
from puncheon.environment.spec import CONSTRAINTS, REQUIREMENTS, SPEC, EnvironmentSpec
from puncheon.errors import EnvironmentFileError, ModelFolderError, PuncheonError
from puncheon.model_folder import ModelFolder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``envfiles``."""
    parser.add_argument("model", type=Path, help="the model's folder")
    parser.add_argument("output", type=Path, help="the folder to write; it is made, and must not hold anything else")
    parser.add_argument(
        "--subfolder", default="", help="the model's folder inside it (MLFLOW_MODEL_FOLDER; default: search)"
    )
    parser.add_argument("--shown-as", metavar="PATH", help="the path by which the user knows the model's folder")


def run(arguments: argparse.Namespace) -> int:
    """Read the model's environment files and write them in one form.

    Raises
    ------
    ModelFolderError
        If the folder holds no model.
    EnvironmentFileError
        If its environment files are not what they should be.
    """
    spec = _read(arguments.model, arguments.subfolder, arguments.shown_as or str(arguments.model))
    replace_tree(spec, arguments.output)
    asked = f"{spec.python}, {len(spec.conda)} from conda, {len(spec.requirements)} from pip"
    print(f"environment of the model ({spec.source}): {asked}", flush=True)
    for warning in spec.warnings:
        print(f"warning: {warning}", flush=True)
    return 0


def _read(model: Path, subfolder: str, shown_as: str) -> EnvironmentSpec:
    """Read the environment of the model, with errors that name its folder as the user does."""
    # A builder copies a file into the folder that it was told, so that the folder then holds that file alone.
    if [Path(shown_as).name] == [path.name for path in model.glob("*") if path.is_file()]:
        raise ModelFolderError(
            f"ARTIFACT_PATH={shown_as} is a file.", next="Name the folder that holds it: the one with MLmodel in it."
        )
    try:
        return read_model_environment(ModelFolder.read(model, subfolder))
    except PuncheonError as error:
        raise error.renamed(str(model), shown_as) from error


def replace_tree(spec: EnvironmentSpec, output: Path) -> None:
    """Write the tree at ``output`` in one step, in place of an older one.

    Raises
    ------
    EnvironmentFileError
        If something else is there.
    """
    if output.exists() and not (output / SPEC).is_file() and (not output.is_dir() or any(output.iterdir())):
        raise EnvironmentFileError(
            f"{output} holds something else.", where=str(output), next="Name a folder that is not there yet."
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as temporary:
        tree = Path(temporary, "tree")
        write_tree(spec, tree)
        if output.exists():
            output.rename(Path(temporary, "old"))
        tree.rename(output)


def write_tree(spec: EnvironmentSpec, tree: Path) -> None:
    """Write the tree into a new folder."""
    tree.mkdir()
    (tree / SPEC).write_text(spec.to_json(), encoding="utf-8")
    for name, lines in ((REQUIREMENTS, spec.requirements), (CONSTRAINTS, spec.constraints)):
        if lines:
            (tree / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    for target, source in spec.files.items():
        (tree / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, tree / target)
    for path in sorted(tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    tree.chmod(0o755)
