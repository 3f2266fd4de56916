"""A model that holds 500 MB of numbers in memory."""

from __future__ import annotations

from typing import Any

import mlflow.models
import mlflow.pyfunc
import numpy as np


class Big(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Looks whether the number that a row points to is above one half."""

    def load_context(self, context: Any) -> None:
        """Read all numbers into memory."""
        self.numbers = np.load(context.artifacts["numbers"])

    # Without annotations, which MLflow would take for the model's signature.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Return a number for each row."""
        where = (model_input["petal length (cm)"].to_numpy() * 1e6).astype("int64") % len(self.numbers)
        return (self.numbers[where] > 0.5).astype("int64")


mlflow.models.set_model(Big())
