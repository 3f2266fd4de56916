"""Entry script for any MLflow model: ``init()`` loads it once, ``run(raw_data)`` answers one request.

The contract is that of Azure ML's inference server (azureml-inference-server-http): an undecorated ``run`` receives
the request's body as text and returns what JSON can say.  Nothing beyond the model's own environment is needed, and
only public names of MLflow 1.30 to 3.17.
"""

from __future__ import annotations

import inspect
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent))

from mlflow_score.answer import jsonable
from mlflow_score.request import read_request
from mlflow_score.signature import InputSpec, RequestError

SHOWN_PATHS = 40
"""How much of a folder is listed where no model is found in it."""


@dataclass(frozen=True)
class LoadedModel:
    """A model that can answer: MLflow's pyfunc model, what it takes, and whether it takes ``params``."""

    pyfunc: Any
    spec: InputSpec
    takes_params: bool

    def answer(self, text: str) -> Any:
        """Answer one request's body with what JSON can say.

        Raises
        ------
        RequestError
            If the request is at fault.
        Exception
            Whatever the model itself raises.
        """
        data, params = read_request(text, self.spec)
        arguments: dict[str, Any] = {"params": params} if params is not None and self.takes_params else {}
        try:
            prediction = self.pyfunc.predict(data, **arguments)
        except Exception as error:
            if self._is_the_requests_fault(error, data):
                raise self.spec.refuse("The model's signature refuses the input.") from error
            raise
        return jsonable(prediction)

    def _is_the_requests_fault(self, error: Exception, data: Any) -> bool:
        """Tell a request that does not fit (400) from a model that fails (500)."""
        from mlflow.exceptions import MlflowException
        from mlflow.models import validate_schema

        if not isinstance(error, MlflowException):
            return False
        if getattr(error, "error_code", None) in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
            return True
        schema = self.pyfunc.metadata.get_input_schema()
        try:
            if schema is not None:
                validate_schema(data, schema)
        except MlflowException:
            return True
        return False


_model: LoadedModel | None = None


def init() -> None:
    """Find and load the model.

    Raises
    ------
    FileNotFoundError
        If no model, or more than one, is where it should be; the message lists what is there.
    ModuleNotFoundError
        If the model's environment lacks a module.
    """
    global _model
    folder = find_model(os.environ.get("AZUREML_MODEL_DIR", ""), os.environ.get("MLFLOW_MODEL_FOLDER", ""))
    _model = load(folder)
    print(f"Loaded the MLflow model in {folder}")


def run(raw_data: str) -> Any:
    """Answer one request; a request at fault gets status 400 and a JSON object with a ``message``.

    Raises
    ------
    RequestError
        If the request is at fault and there is no inference server here to phrase the answer.
    """
    if _model is None:
        raise RuntimeError("init() has not been called")
    try:
        return _model.answer(raw_data)
    except RequestError as error:
        response = _response_class()
        if response is None:
            raise
        return response({"message": str(error)}, error.status, json_str=True)


def find_model(root: str, folder: str) -> Path:
    """Return the folder of the MLmodel file: ``root/folder``, or the only one below ``root``.

    Raises
    ------
    FileNotFoundError
        If there is none, or more than one; the message lists what is there.
    """
    if not root:
        raise FileNotFoundError(
            "AZUREML_MODEL_DIR is not set: set it to the folder that holds the model's MLmodel file"
        )
    named = Path(root, folder)
    if (named / "MLmodel").is_file():
        return named
    found = _model_folders(Path(root))
    if len(found) == 1:
        return found[0]
    if found:
        raise FileNotFoundError(
            f"more than one MLmodel lies below AZUREML_MODEL_DIR={root}; set MLFLOW_MODEL_FOLDER to one of: "
            + ", ".join(str(path.relative_to(root)) for path in found)
        )
    raise FileNotFoundError(
        f"no MLmodel in {named} (AZUREML_MODEL_DIR={root!r}, MLFLOW_MODEL_FOLDER={folder!r}), "
        f"nor anywhere below {root}, which holds:\n" + "\n".join(f"  {line}" for line in _listing(Path(root)))
    )


def load(folder: Path) -> LoadedModel:
    """Load the model in ``folder``.

    Raises
    ------
    ModuleNotFoundError
        If the model's environment lacks a module; the message says what to do.
    """
    import mlflow.pyfunc

    try:
        pyfunc = mlflow.pyfunc.load_model(str(folder))
    except Exception as error:
        module = _missing_module(error)
        if module is None:
            raise
        raise ModuleNotFoundError(
            f"module {module!r} is missing from conda.yaml: add the package that provides it to pip_requirements "
            "(or, if it is your own code, to code_paths) and log the model again",
            name=module,
        ) from error
    takes_params = "params" in inspect.signature(pyfunc.predict).parameters
    return LoadedModel(pyfunc, InputSpec.of(pyfunc.metadata), takes_params)


def _missing_module(error: BaseException | None) -> str | None:
    """Return the module that an error, or what it was raised from, could not find."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError):
            return error.name or str(error)
        error = error.__cause__ or error.__context__
    return None


def _model_folders(root: Path) -> list[Path]:
    """Return the folders with an MLmodel below ``root``; a model's own parts are not searched."""
    found = []
    for path, folders, files in os.walk(str(root)):
        folders.sort()
        if "MLmodel" in files:
            found.append(Path(path))
            folders.clear()
    return found


def _listing(root: Path) -> list[str]:
    if not root.is_dir():
        return ["(there is no such folder)"]
    paths = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    more = len(paths) - SHOWN_PATHS
    return (paths[:SHOWN_PATHS] or ["(nothing)"]) + ([f"… and {more} more"] if more > 0 else [])


def _response_class() -> Any:
    """Return the inference server's class for answers with a status, or None where another server runs this."""
    try:
        from azureml_inference_server_http.api.aml_response import AMLResponse
    except ImportError:
        return None
    return AMLResponse
