"""Run by the environment's own interpreter: import modules, and say as JSON what came of it.

Needs the standard library of Python 3.7 alone (annotations are not evaluated), and is run as a file, since the
environment has no puncheon.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

SERVER_ENTRY = "azureml_inference_server_http.server.entry"

# Importing these takes many seconds, or starts a device's runtime: that they are there is enough.
HEAVY = ("torch", "tensorflow", "keras", "pyspark", "paddle", "transformers", "sentence_transformers", "h2o", "fastai")

SCORE = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"


def main(modules: list[str]) -> dict[str, Any]:
    """Return where this interpreter lives, the first module's failure, or None, and which packages it has loaded."""
    failure = None
    for module in modules:
        failure = _failure_of(module)
        if failure is not None:
            break
    loaded = sorted({name.split(".")[0] for name in sys.modules})
    return {"prefix": sys.prefix, "failure": failure, "loaded": loaded}


def _failure_of(module: str) -> dict[str, Any] | None:
    try:
        if module.split(".")[0] in HEAVY:
            if importlib.util.find_spec(module) is None:
                raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        elif module == SERVER_ENTRY:
            _import_server()
        else:
            importlib.import_module(module)
    except BaseException as error:  # a module may end the interpreter, and that must be reported too
        frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        return {
            "module": module,
            "kind": type(error).__name__,
            "message": str(error),
            "missing": getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None,
            "files": [name for name in frames if "site-packages" in name],
        }
    return None


def _import_server() -> None:
    """Import what gunicorn imports, with a script that does nothing, so that all of the server is loaded."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.py").write_text(SCORE)
        os.environ.update(AML_APP_ROOT=folder, AZUREML_ENTRY_SCRIPT="main.py", AZUREML_MODEL_DIR=folder)
        os.chdir(folder)
        sys.path.insert(0, folder)
        importlib.import_module(SERVER_ENTRY)
        os.chdir("/")


if __name__ == "__main__":
    # The server writes its log to stdout, so the answer goes to a file.
    answer = main(sys.argv[2:])
    Path(sys.argv[1]).write_text(json.dumps(answer))
    # Whatever a module started (threads, a runtime) must not keep this process.
    os._exit(0)
