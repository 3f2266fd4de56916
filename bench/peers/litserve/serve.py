"""LitServe with batching: ``python serve.py PORT MODEL``; runs in LitServe's own environment."""

# Not checked where the peer is not installed.
# mypy: ignore-errors

from __future__ import annotations

import sys
from typing import Any

import litserve
import mlflow.pyfunc
import pandas as pd


class Model(litserve.LitAPI):
    """Predicts the rows of all requests of a batch at once."""

    def setup(self, device: str) -> None:
        """Load the model once in the worker."""
        self.model = mlflow.pyfunc.load_model(sys.argv[2])

    # Without an annotation: with one LitServe takes `request` for a parameter of FastAPI's own.
    def decode_request(self, request):
        """Take MLflow's ``dataframe_split``."""
        return request["dataframe_split"]

    def batch(self, inputs: list[Any]) -> Any:
        """Put the rows of all requests below each other."""
        sizes = [len(one["data"]) for one in inputs]
        return inputs[0]["columns"], [row for one in inputs for row in one["data"]], sizes

    def predict(self, batch: Any) -> list[list[Any]]:
        """Predict once; return the answers, a list for each request."""
        columns, rows, sizes = batch
        answers = iter(self.model.predict(pd.DataFrame(rows, columns=columns)).tolist())
        return [[next(answers) for _ in range(size)] for size in sizes]

    def unbatch(self, output: list[list[Any]]) -> list[list[Any]]:
        """Return what `predict` has split already."""
        return output

    def encode_response(self, output: list[Any]) -> Any:
        """Answer as MLflow does."""
        return {"predictions": output}


if __name__ == "__main__":
    api = Model(max_batch_size=32, batch_timeout=0.001)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, timeout=120, fast_queue=True)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False, log_level="warning"
    )
