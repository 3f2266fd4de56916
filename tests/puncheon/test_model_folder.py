"""Model folders: where the model is, what its MLmodel says, and what is said of those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from puncheon.errors import ModelFolderError
from puncheon.model_folder import ModelFolder, PythonFunction

MODELS = Path(__file__).parents[1] / "data" / "models"
BAD = MODELS / "bad"


def test_what_mlflow_3_writes_is_read() -> None:
    """Loader, environment files, versions and identity come from MLmodel."""
    model = ModelFolder.read(MODELS / "logged_by_mlflow_3")

    expected = PythonFunction(
        loader_module="mlflow.sklearn",
        environment_files={"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        python_version="3.11.7",
        model_path="model.skops",
    )
    assert expected == model.python_function
    assert ("3.17.2", "5709f5e53372446e90bcfdd939549840") == (model.mlflow_version, model.model_uuid)
    assert "skops" == model.flavors["sklearn"]["serialization_format"]


def test_what_mlflow_1_wrote_is_read() -> None:
    """An old MLmodel names its conda file alone, and a time that YAML takes for a date."""
    model = ModelFolder.read(MODELS / "logged_by_mlflow_1")

    assert {"conda": "conda.yaml"} == model.python_function.environment_files
    assert ("3.6.9", "model.pkl") == (model.python_function.python_version, model.python_function.model_path)
    assert "2020-07-01 10:00:00.123456" == model.utc_time_created
    assert model.signature is None


def test_a_signature_is_the_json_that_mlmodel_holds() -> None:
    """The schema is kept as text, each part on its own, with YAML's line breaks taken out."""
    signature = ModelFolder.read(MODELS / "logged_by_mlflow_3").signature

    assert signature is not None
    assert signature.inputs == (
        '[{"type": "double", "name": "width", "required": true}, '
        '{"type": "double", "name": "height", "required": true}]'
    )
    assert signature.params is None


def test_examples_are_found_by_mlflows_names() -> None:
    """The saved examples are paths; what was not saved is None."""
    model = ModelFolder.read(MODELS / "logged_by_mlflow_3")

    assert model.path / "input_example.json" == model.input_example
    assert model.path / "serving_input_example.json" == model.serving_input_example
    assert model.output_example is None


@pytest.mark.parametrize(
    ("given", "subfolder"),
    [
        ("one_model_below", ""),
        ("one_model_below", "run/artifacts/model"),
        ("one_model_below/run", "artifacts/model"),
        ("one_model_below/run/artifacts/model", ""),
    ],
    ids=["search", "named", "named from halfway", "itself"],
)
def test_the_one_model_is_found_below(given: str, subfolder: str) -> None:
    """A model lies up to three levels down, or where MLFLOW_MODEL_FOLDER says."""
    found = ModelFolder.read(MODELS / given, subfolder).path

    assert MODELS / "one_model_below/run/artifacts/model" == found


def test_a_model_within_a_model_is_its_part(tmp_path: Path) -> None:
    """A folder with MLmodel is the model, whatever models it holds in turn."""
    for folder in ("outer", "outer/inner"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "MLmodel").write_text((BAD / "two_models/first/MLmodel").read_text())

    assert tmp_path / "outer" == ModelFolder.read(tmp_path).path


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    """Mounted volumes show files as links to a hidden folder beside them."""
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data/MLmodel").write_text((BAD / "two_models/first/MLmodel").read_text())
    (tmp_path / "MLmodel").symlink_to("..data/MLmodel")

    assert "mlflow.sklearn" == ModelFolder.read(tmp_path).python_function.loader_module


FAULTS = {
    "no_mlmodel": (
        "There is no MLmodel in {folder}, nor up to 3 levels below. Did you mean mlmodel.yaml?",
        "{folder}",
    ),
    "two_models": ("There are 2 models here, and nothing says which is meant.", "{folder}"),
    "link_out": (
        "conda.yaml is a link to a file outside of the model's folder.",
        "{folder}/conda.yaml -> ../../logged_by_mlflow_3/conda.yaml",
    ),
    "mlmodel_empty": ("MLmodel is empty.", "{folder}/MLmodel"),
    "mlmodel_not_yaml": (
        r"MLmodel is not YAML: found character '\t' that cannot start any token.",
        "MLmodel, line 3, column 1",
    ),
    "mlmodel_not_text": ("MLmodel is no UTF-8 text.", "MLmodel, line 3"),
    "mlmodel_a_list": ("MLmodel is a list, not `key: value` pairs.", "MLmodel, line 1, column 1"),
    "mlmodel_signature_a_list": ("`signature:` is a list, not `key: value` pairs.", "MLmodel, line 8, column 1"),
    "mlmodel_without_flavors": ("MLmodel has no `flavors:`.", "MLmodel, line 1, column 1"),
    "mlmodel_without_loader": ("The flavor `python_function` names no `loader_module`.", "MLmodel, line 3, column 5"),
    "mlmodel_without_python_function": (
        "The model has no python_function flavor (its flavors: crate), so no Python server can load it.",
        "MLmodel, line 2, column 3",
    ),
}


@pytest.mark.parametrize(("folder", "what", "where"), [(name, *said) for name, said in FAULTS.items()], ids=FAULTS)
def test_a_folder_that_is_no_model_is_refused(folder: str, what: str, where: str) -> None:
    """The message says what is wrong, where, and what to do."""
    with pytest.raises(ModelFolderError) as caught:
        ModelFolder.read(BAD / folder)

    place = str(BAD / folder)
    assert (what.format(folder=place), where.format(folder=place)) == (caught.value.what, caught.value.where)
    assert caught.value.next


def test_an_absent_folder_is_named_with_the_nearest(tmp_path: Path) -> None:
    """A slip of the pen in ARTIFACT_PATH is answered with what is there."""
    (tmp_path / "artifacts/iris_model").mkdir(parents=True)

    with pytest.raises(ModelFolderError, match="There is no folder") as caught:
        ModelFolder.read(tmp_path / "artifacts/iris_modle")

    assert caught.value.where is not None
    assert caught.value.where.endswith(f"(did you mean {tmp_path / 'artifacts/iris_model'}?)")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """Nothing to read is said at once."""
    with pytest.raises(ModelFolderError, match=r"^The folder .* is empty\.$"):
        ModelFolder.read(tmp_path)


def test_a_file_is_refused_with_its_folder() -> None:
    """Whoever gives MLmodel itself is told the folder to give."""
    with pytest.raises(ModelFolderError) as caught:
        ModelFolder.read(MODELS / "logged_by_mlflow_3/MLmodel")

    assert caught.value.what.endswith(
        f"is a file, not a model's folder. Its folder is {MODELS / 'logged_by_mlflow_3'}."
    )


@pytest.mark.parametrize(
    ("subfolder", "what"),
    [
        ("../bad", "MLFLOW_MODEL_FOLDER=../bad leaves the model's folder."),
        ("model", "MLFLOW_MODEL_FOLDER=model names no folder with an MLmodel."),
    ],
    ids=["outside", "absent"],
)
def test_a_wrong_subfolder_is_refused_with_what_is_there(subfolder: str, what: str) -> None:
    """MLFLOW_MODEL_FOLDER must name a model inside the folder."""
    with pytest.raises(ModelFolderError) as caught:
        ModelFolder.read(MODELS / "one_model_below", subfolder)

    assert what == caught.value.what
    assert caught.value.next
