"""A loaded model that answers requests, and tells the client's mistakes from its own failures."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow.exceptions import MlflowException
from mlflow.models import validate_schema

from mlflow_score.answer import jsonable
from mlflow_score.request import read_request
from mlflow_score.signature import InputSpec


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
        return jsonable(self.predict(*read_request(text, self.spec)))

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Call the model.

        Raises
        ------
        RequestError
            If the model's signature refuses the input.
        Exception
            Whatever the model itself raises.
        """
        arguments: dict[str, Any] = {"params": params} if params is not None and self.takes_params else {}
        try:
            return self.pyfunc.predict(data, **arguments)
        except Exception as error:
            if self._is_the_requests_fault(error, data):
                raise self.spec.refuse("The model's signature refuses the input.") from error
            raise

    def _is_the_requests_fault(self, error: Exception, data: Any) -> bool:
        """Tell a request that does not fit (400) from a model that fails (500)."""
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


def load(folder: Path) -> LoadedModel:
    """Load the model in ``folder``.

    Raises
    ------
    ModuleNotFoundError
        If the model's environment lacks a module; the message says what to do.
    """
    try:
        pyfunc = mlflow.pyfunc.load_model(str(folder.resolve()))  # MLflow refuses links
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
