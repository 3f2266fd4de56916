"""The peers: each in an environment of its own, set up for speed as its own documentation advises, one model worker.

Beside this file lies a folder for each: ``requirements.in`` names what is measured, ``requirements.txt`` locks it
(``uv pip compile --python-version 3.11 --no-header --no-annotate --no-emit-index-url``), and what the peer needs of
code or settings.  The packages of the demo model are the model's own, in the same versions everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.server import bare
from bench.tables import Table, inference_body, rows_body, split_body

HERE = Path(__file__).resolve().parent
RUNNER = HERE.parents[1] / "runner"


@dataclass(frozen=True)
class Place:
    """What a peer is told when it starts: the folder of its programs, its port, and the model it serves."""

    programs: Path
    port: int
    model: Path

    def program(self, name: str) -> str:
        """Return the path of one of the peer's own programs."""
        return str(self.programs / name)


@dataclass(frozen=True)
class Peer:
    """Another server.

    Attributes
    ----------
    distribution
        The Python distribution whose version is shown.
    how
        How it is set up, for the reader of the figures.
    restless
        Whether its idle processes use a processor (LitServe's poll their queues: 15 % of one, measured).
    """

    name: str
    distribution: str
    how: str
    path: str
    command: Callable[[Place], list[str]]
    variables: Callable[[Place], Mapping[str, str]] = field(default=lambda place: {})
    body: Callable[[Table], bytes] = split_body
    predictions: Callable[[Any], Any] = bare
    restless: bool = False

    @property
    def folder(self) -> Path:
        """The folder with its requirements."""
        return HERE / self.name


def _named(answer: Any) -> Any:
    return answer["predictions"]


def _outputs(answer: Any) -> Any:
    return answer["outputs"][0]["data"]


PEERS = (
    Peer(
        "azmlinfsrv",
        "azureml-inference-server-http",
        "one worker, the kit's entry script; has no batching",
        "/score",
        lambda place: [
            place.program("azmlinfsrv"),
            *("--entry_script", str(RUNNER / "mlflow_score_script.py")),
            *("--port", str(place.port), "--worker_count", "1"),
        ],
        lambda place: {"AML_APP_ROOT": str(RUNNER), "AZUREML_MODEL_DIR": str(place.model)},
    ),
    Peer(
        "mlflow",
        "mlflow",
        "`mlflow models serve --env-manager local --workers 1`; has no batching",
        "/invocations",
        lambda place: [
            *(place.program("mlflow"), "models", "serve", "--model-uri", str(place.model)),
            *("--port", str(place.port), "--env-manager", "local", "--workers", "1"),
        ],
        predictions=_named,
    ),
    Peer(
        "mlserver",
        "mlserver",
        "MLflow runtime in the server's own process (`parallel_workers` 0), Open Inference Protocol, "
        "adaptive batching: `max_batch_size` 128, `max_batch_time` 1 ms",
        "/v2/models/model/infer",
        lambda place: [place.program("mlserver"), "start", str(HERE / "mlserver")],
        lambda place: {
            "MLSERVER_HTTP_PORT": str(place.port),
            "MLSERVER_GRPC_PORT": "0",
            "MLSERVER_MODEL_URI": str(place.model),
        },
        inference_body,
        _outputs,
    ),
    Peer(
        "litserve",
        "litserve",
        "one API server, one worker, `fast_queue`, batching: `max_batch_size` 32, `batch_timeout` 1 ms",
        "/predict",
        lambda place: [place.program("python"), str(HERE / "litserve/serve.py"), str(place.port), str(place.model)],
        predictions=_named,
        restless=True,
    ),
    Peer(
        "bentoml",
        "bentoml",
        "one worker, adaptive batching: `max_batch_size` 10,000 rows; access log and metrics off",
        "/predict",
        lambda place: [
            *(place.program("bentoml"), "serve", "serve:Model", "--working-dir", str(HERE / "bentoml")),
            *("--host", "127.0.0.1", "--port", str(place.port)),
        ],
        lambda place: {"MODEL": str(place.model), "BENTOML_DO_NOT_TRACK": "True"},
        rows_body,
    ),
)
