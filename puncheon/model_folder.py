"""The folder that MLflow saved a model in: where it is, and what its MLmodel says.

Source of the format: ``mlflow.models.Model.to_yaml`` and the pyfunc flavor's configuration, MLflow 1.0 to 3.x.
Needs the standard library and PyYAML alone, because the running image reads the model's folder too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from puncheon.errors import ModelFolderError
from puncheon.model_search import MLMODEL, find_model
from puncheon.yaml_file import YamlValue, read_yaml

PYFUNC = "python_function"
INPUT_EXAMPLE = "input_example.json"
SERVING_INPUT_EXAMPLE = "serving_input_example.json"
OUTPUT_EXAMPLE = "output_example.json"


@dataclass(frozen=True)
class PythonFunction:
    """The flavor that every server loads.

    Attributes
    ----------
    loader_module
        The module whose ``_load_pyfunc`` loads the model.
    environment_files
        What MLmodel names: ``{"conda": "conda.yaml", "virtualenv": "python_env.yaml"}``; older models name a conda
        file alone. Empty where it names none.
    python_version
        The interpreter that the model was logged with.
    model_path
        The model's data, relative to the folder.
    code
        The folder of the model's own modules, relative to the folder.
    """

    loader_module: str
    environment_files: Mapping[str, str] = field(default_factory=dict)
    python_version: str | None = None
    model_path: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class Signature:
    """The model's schema, each part as the JSON text that MLmodel holds."""

    inputs: str | None = None
    outputs: str | None = None
    params: str | None = None


@dataclass(frozen=True)
class ModelFolder:
    """An MLflow model on disk.

    Attributes
    ----------
    path
        The folder that holds MLmodel.
    flavors
        Each flavor's configuration, as MLmodel holds it.
    saved_input_example_info
        What MLflow says of the input example: ``artifact_path``, ``type``, ``serving_input_path`` and more.
    """

    path: Path
    flavors: Mapping[str, Mapping[str, Any]]
    python_function: PythonFunction
    signature: Signature | None = None
    mlflow_version: str | None = None
    model_uuid: str | None = None
    run_id: str | None = None
    utc_time_created: str | None = None
    saved_input_example_info: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | str, subfolder: str = "") -> ModelFolder:
        """Find the model in a folder and read its MLmodel.

        Parameters
        ----------
        path
            A model's folder, or one that holds exactly one model at most three levels down.
        subfolder
            The model's folder inside ``path`` (``MLFLOW_MODEL_FOLDER``); empty means search.

        Raises
        ------
        ModelFolderError
            If there is no model, more than one, or its MLmodel is not what MLflow writes.
        """
        folder = find_model(Path(path), subfolder)
        return parse_mlmodel(read_yaml(folder / MLMODEL, ModelFolderError), folder)

    @property
    def input_example(self) -> Path | None:
        """The saved input example, as the model's ``predict`` takes it."""
        return self._file(str(self.saved_input_example_info.get("artifact_path") or INPUT_EXAMPLE))

    @property
    def serving_input_example(self) -> Path | None:
        """The saved input example, as a server's request body."""
        return self._file(str(self.saved_input_example_info.get("serving_input_path") or SERVING_INPUT_EXAMPLE))

    @property
    def output_example(self) -> Path | None:
        """The answer that the input example must have, where somebody put one."""
        return self._file(OUTPUT_EXAMPLE)

    def _file(self, name: str) -> Path | None:
        path = self.path / name
        return path if path.is_file() and path.resolve().is_relative_to(self.path.resolve()) else None


def parse_mlmodel(document: YamlValue, folder: Path) -> ModelFolder:
    """Return what an MLmodel says.

    Raises
    ------
    ModelFolderError
        If it has no flavors, none that is a Python function, or a part of the wrong shape.
    """
    top = document.mapping(MLMODEL)
    if "flavors" not in top:
        raise document.fault("MLmodel has no `flavors:`.", next="Log the model again with MLflow.")
    flavors = top["flavors"].mapping("`flavors:`")
    if PYFUNC not in flavors:
        names = ", ".join(sorted(flavors)) or "none"
        raise top["flavors"].fault(
            f"The model has no python_function flavor (its flavors: {names}), so no Python server can load it.",
            next="Log it with an MLflow flavor that has one, or wrap it in mlflow.pyfunc.PythonModel.",
        )
    info = top.get("saved_input_example_info")
    return ModelFolder(
        path=folder,
        flavors={name: _configuration(value, f"The flavor `{name}`") for name, value in flavors.items()},
        python_function=_python_function(flavors[PYFUNC]),
        signature=_signature(top.get("signature")),
        mlflow_version=_text(top, "mlflow_version"),
        model_uuid=_text(top, "model_uuid"),
        run_id=_text(top, "run_id"),
        utc_time_created=_text(top, "utc_time_created"),
        saved_input_example_info={} if info is None else _configuration(info, "`saved_input_example_info:`"),
    )


def _python_function(value: YamlValue) -> PythonFunction:
    flavor = value.mapping(f"The flavor `{PYFUNC}`")
    loader = _text(flavor, "loader_module")
    if loader is None:
        raise value.fault("The flavor `python_function` names no `loader_module`.", next="Log the model again.")
    # `data` is the key of models whose flavor keeps no path of its own.
    return PythonFunction(
        loader_module=loader,
        environment_files=_environment_files(flavor.get("env")),
        python_version=_text(flavor, "python_version"),
        model_path=_text(flavor, "model_path") or _text(flavor, "data"),
        code=_text(flavor, "code"),
    )


def _environment_files(value: YamlValue | None) -> Mapping[str, str]:
    """Return the file for each environment manager; MLflow before 2.0 wrote the conda file's name alone."""
    if value is None or value.is_null:
        return {}
    if not value.is_mapping:
        return {"conda": value.text("`env:`")}
    return {
        manager: file.text(f"`env:`'s `{manager}:`")
        for manager, file in value.mapping("`env:`").items()
        if not file.is_null
    }


def _signature(value: YamlValue | None) -> Signature | None:
    if value is None or value.is_null:
        return None
    parts = value.mapping("`signature:`")
    return Signature(*(_text(parts, name) for name in ("inputs", "outputs", "params")))


def _text(pairs: Mapping[str, YamlValue], name: str) -> str | None:
    value = pairs.get(name)
    return None if value is None or value.is_null else value.text(f"`{name}:`")


def _configuration(value: YamlValue, what: str) -> Mapping[str, Any]:
    if value.is_null:
        return {}
    value.mapping(what)
    return {str(key): item for key, item in value.plain().items()}
