"""BentoML with adaptive batching: ``MODEL=FOLDER bentoml serve serve:Model``; runs in BentoML's own environment."""

# Not checked where the peer is not installed.
# mypy: ignore-errors

from __future__ import annotations

import os

import bentoml
import mlflow.pyfunc
import numpy as np
import pandas as pd


@bentoml.service(
    workers=1,
    traffic={"timeout": 120},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class Model:
    """Predicts the rows of all requests of a batch at once."""

    def __init__(self) -> None:
        """Load the model once in the worker."""
        self.model = mlflow.pyfunc.load_model(os.environ["MODEL"])
        self.columns = self.model.metadata.get_input_schema().input_names()

    @bentoml.api(batchable=True, batch_dim=(0, 0), max_batch_size=10_000, max_latency_ms=60_000)
    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Return a number for each row."""
        return np.asarray(self.model.predict(pd.DataFrame(rows, columns=self.columns)))
