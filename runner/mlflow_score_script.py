"""Entry script for any MLflow model: ``init()`` loads it once, ``run(raw_data)`` answers one request.

The contract is that of Azure ML's inference server (azureml-inference-server-http): an undecorated ``run`` receives
the request's body as text and returns what JSON can say.  Beside it stands the batch form (``prepare``, ``run_batch``,
``warm_up``) that puncheon's own runner knows (puncheon_runner/entry_script.py).  Nothing beyond the model's own
environment is needed, and only public names of MLflow 1.30 to 3.17.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Sequence

sys.path.append(str(Path(__file__).resolve().parent))

# No classes here: the server runs this file without entering it into sys.modules, which dataclasses look into.
from mlflow_score.model import LoadedModel, load
from mlflow_score.sharing import Sharing
from mlflow_score.signature import RequestError

SHOWN_PATHS = 40
"""How much of a folder is listed where no model is found in it."""


EXAMPLES = ("serving_input_example.json", "input_example.json")
"""Where MLflow saves the model's example: as a client would send it, and as it was given."""

_model: LoadedModel | None = None
_sharing: Sharing | None = None


def init() -> None:
    """Find and load the model.

    Raises
    ------
    FileNotFoundError
        If no model, or more than one, is where it should be; the message lists what is there.
    ModuleNotFoundError
        If the model's environment lacks a module.
    """
    global _model, _sharing
    folder = _folder()
    _model = load(folder)
    _sharing = Sharing(_model)
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


def prepare(raw_data: str) -> tuple[Any, Any, int]:
    """Read one request; return what it may share a predict with (None: nothing), the input, and its rows.

    Raises
    ------
    RequestError
        If the request is at fault.
    """
    return _shared().prepare(raw_data)


def prepare_parsed(body: Any) -> tuple[Any, Any, int]:
    """Read one request whose JSON has been parsed already; as ``prepare``.

    Raises
    ------
    RequestError
        If the request is at fault.
    """
    return _shared().prepare_parsed(body)


def run_batch(items: Sequence[Any]) -> list[Any]:
    """Answer prepared requests of one key by one predict; the answers are those that ``run`` gives to each.

    Raises
    ------
    Exception
        If the predict fails, or cannot be split among the requests; each is then to be asked alone.
    """
    return _shared().answer(items)


def warm_up() -> None:
    """Score the model's own example once, so that the first client does not pay for what is made at first use."""
    for name in EXAMPLES:
        example = _folder() / name
        if example.is_file():
            _shared().learn(example.read_text(encoding="utf-8"))
            return


def _shared() -> Sharing:
    if _sharing is None:
        raise RuntimeError("init() has not been called")
    return _sharing


def _folder() -> Path:
    return find_model(os.environ.get("AZUREML_MODEL_DIR", ""), os.environ.get("MLFLOW_MODEL_FOLDER", ""))


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
    """Return azmlinfsrv's class for answers with a status, or None where another server runs this."""
    if "azureml_inference_server_http" not in sys.modules:
        return None
    from azureml_inference_server_http.api.aml_response import AMLResponse

    return AMLResponse
