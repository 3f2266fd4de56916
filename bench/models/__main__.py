"""Save the model NAME in FOLDER, which must not exist."""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.models import infer_signature

from bench.models import BIG_MB, HERE
from examples.iris import REQUIREMENTS

EXAMPLE = pd.DataFrame(
    [[5.1, 3.5, 1.4, 0.2], [6.2, 2.8, 4.8, 1.8]],
    columns=["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"],
)


def main(name: str, folder: Path) -> None:
    """Save a model whose code is NAME.py beside this file."""
    logging.disable(logging.WARNING)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=folder.parent) as workshop:
        artifacts = None
        if name == "big":
            array = Path(workshop, "numbers.npy")
            np.save(array, np.random.default_rng(0).random(BIG_MB * 1_000_000 // 8))
            artifacts = {"numbers": str(array)}
        mlflow.pyfunc.save_model(
            str(Path(workshop, "model")),
            python_model=str(HERE / f"{name}.py"),
            artifacts=artifacts,
            signature=infer_signature(EXAMPLE, np.array([0, 1])),
            input_example=EXAMPLE,
            pip_requirements=[f"{package}=={version(package)}" for package in REQUIREMENTS],
        )
        shutil.rmtree(folder, ignore_errors=True)
        Path(workshop, "model").rename(folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve())
