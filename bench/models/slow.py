"""A model whose predict takes 20 ms, whatever it is asked: it waits, as one that asks a database does."""

from __future__ import annotations

import time

import mlflow.models
import mlflow.pyfunc

SECONDS = 0.02


class Slow(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Tells large petals (1) from small ones (0)."""

    # Without annotations, which MLflow would take for the model's signature.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Return a number for each row."""
        time.sleep(SECONDS)
        return (model_input["petal length (cm)"] > 2.5).to_numpy().astype("int64")


mlflow.models.set_model(Slow())
