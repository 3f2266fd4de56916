"""The entry script, called in this process as the inference server calls it; runners as processes of their own."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest

from tests.runner.running import SCRIPTS, Runner, Start, run, write_script
from tests.serving import ENTRY_SCRIPT, KIT

Load = Callable[..., ModuleType]


@pytest.fixture
def script() -> ModuleType:
    """A fresh copy of the script, not entered into sys.modules, just as the server loads it."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    spec = importlib.util.spec_from_file_location("entry_module", ENTRY_SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def load(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Run ``init()`` for a model's folder and return the script."""

    def load_one(model_dir: Path | str, model_folder: str | None = None) -> ModuleType:
        monkeypatch.setenv("AZUREML_MODEL_DIR", str(model_dir))
        if model_folder is None:
            monkeypatch.delenv("MLFLOW_MODEL_FOLDER", raising=False)
        else:
            monkeypatch.setenv("MLFLOW_MODEL_FOLDER", model_folder)
        script.init()
        return script

    return load_one


@pytest.fixture
def kit_body() -> str:
    """The kit's own body for its demo model."""
    return (KIT / "input_example.json").read_text()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a runner, with an entry script (or its lines) and settings; ``faulty.py`` if none is given."""
    with ExitStack() as stack:

        def start_one(script: Path | list[str] = SCRIPTS / "faulty.py", **variables: str) -> Runner:
            path = script if isinstance(script, Path) else write_script(tmp_path, *script)
            return stack.enter_context(run(path, tmp_path, **variables))

        yield start_one
