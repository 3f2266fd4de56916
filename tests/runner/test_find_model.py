"""Where the entry script finds its model, and what it says where it finds none."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, at import

PLACES = {
    "at the top, folder unset": (".", None),
    "at the top, folder empty": (".", ""),
    "in the named folder": ("iris", "iris"),
    "in the only folder, unnamed": ("deep/down/model", None),
    "in the only folder, another named": ("model", "mlflow_model_folder"),
}


@pytest.mark.parametrize(("place", "folder"), PLACES.values(), ids=PLACES.keys())
def test_the_model_is_found(
    load: Callable[..., ModuleType],
    saved_models: dict[str, Path],
    tmp_path: Path,
    kit_body: str,
    place: str,
    folder: str | None,
) -> None:
    """At the top, in the folder that is named, or where the only MLmodel is."""
    shutil.copytree(saved_models["iris"], tmp_path / place, dirs_exist_ok=True)

    assert [0, 0] == load(tmp_path, folder).run(kit_body)


def test_a_link_to_a_model_is_one(
    load: Callable[..., ModuleType], saved_models: dict[str, Path], tmp_path: Path, kit_body: str
) -> None:
    """MLflow itself takes it for a way out of the folder."""
    (tmp_path / "model").symlink_to(saved_models["iris"])

    assert [0, 0] == load(tmp_path, "model").run(kit_body)


def test_the_parts_of_a_model_are_not_further_models(
    load: Callable[..., ModuleType], saved_models: dict[str, Path], tmp_path: Path, kit_body: str
) -> None:
    """A pipeline's folder may hold the MLmodel files of its steps."""
    shutil.copytree(saved_models["iris"], tmp_path / "outer")
    shutil.copytree(saved_models["iris"], tmp_path / "outer/steps/inner")

    assert [0, 0] == load(tmp_path).run(kit_body)


def test_no_model_is_told_with_the_path_and_what_is_there(load: Callable[..., ModuleType], tmp_path: Path) -> None:
    """The message holds the path that was resolved and a listing."""
    (tmp_path / "model.pkl").touch()

    with pytest.raises(FileNotFoundError) as raised:
        load(tmp_path, "iris")

    assert f"no MLmodel in {tmp_path}/iris" in str(raised.value)
    assert "model.pkl" in str(raised.value)


def test_two_models_are_told_with_both_names(
    load: Callable[..., ModuleType], saved_models: dict[str, Path], tmp_path: Path
) -> None:
    """Nothing is guessed; the message names the choices."""
    for name in ("a", "b"):
        shutil.copytree(saved_models["iris"], tmp_path / name)

    with pytest.raises(FileNotFoundError, match="MLFLOW_MODEL_FOLDER to one of: a, b"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("model_dir", "message"), [("", "AZUREML_MODEL_DIR is not set"), ("/no/such", "no such folder")], ids=repr
)
def test_an_unusable_model_dir_is_told(load: Callable[..., ModuleType], model_dir: str, message: str) -> None:
    """Unset, or a folder that is not there."""
    with pytest.raises(FileNotFoundError, match=message):
        load(model_dir)


def test_a_missing_module_is_told_with_the_way_out(
    load: Callable[..., ModuleType], saved_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """conda.yaml lacks what the flavor imports: the message names module and file."""
    monkeypatch.setitem(sys.modules, "skops.io", None)

    with pytest.raises(ModuleNotFoundError, match=r"'skops[.]io' is missing from conda[.]yaml"):
        load(saved_models["needs_missing_module"])
