"""The floor: what one ``predict`` takes in the model's own environment, with no server around it.

``measure`` runs this very file in a container of the image: ``python floor.py SECONDS COUNT...`` prints JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

PLACE = "/tmp/floor.py"


def measure(image: str, counts: list[int], seconds: float) -> dict[str, Any]:
    """Return what `main` printed in a container of ``image``, with nothing else running in it."""
    from pathlib import Path

    import docker

    from bench.running import put_files

    # The name of the file that is run, then its arguments; the model's own Python is the first on PATH.
    made = docker.from_env().containers.create(
        image, [PLACE, str(seconds), *map(str, counts)], entrypoint="python", network_disabled=True
    )
    try:
        put_files(made, {PLACE: Path(__file__).read_text()})
        made.start()
        code = made.wait(timeout=300)["StatusCode"]
        output = made.logs(stdout=True, stderr=False).decode()
        if code:
            sys.exit(f"The bare predict in {image} ended with {code}:\n{made.logs().decode()[-2000:]}")
    finally:
        made.remove(force=True)
    found: dict[str, Any] = json.loads(output.strip().split("\n")[-1])
    return found


def median(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of what `measure` returned in several rounds."""
    rows = {
        count: {name: round(statistics.median(one["rows"][count][name] for one in rounds), 3) for name in figures}
        for count, figures in rounds[0]["rows"].items()
    }
    return {**rounds[0], "rows": rows}


def main(seconds: float, counts: list[int]) -> None:
    """Print this environment's versions, and for each count of rows the median in ms of calls for so many seconds.

    ``predict_ms`` from a DataFrame that is there; ``json_ms`` from a request's text to an answer's.
    """
    import os
    import platform
    import random

    import mlflow
    import pandas as pd

    model = mlflow.pyfunc.load_model(os.environ["AZUREML_MODEL_DIR"])
    columns = model.metadata.get_input_schema().input_names()
    found: dict[str, Any] = {"python": platform.python_version(), "mlflow": mlflow.__version__, "rows": {}}
    for count in counts:
        chance = random.Random(0)
        text = json.dumps(
            {"columns": columns, "data": [[chance.uniform(0.1, 8) for _ in columns] for _ in range(count)]}
        )
        frame = pd.DataFrame(**json.loads(text))

        def from_json(text: str = text) -> str:
            return json.dumps(model.predict(pd.DataFrame(**json.loads(text))).tolist())

        def predict(frame: Any = frame) -> Any:
            return model.predict(frame)

        found["rows"][str(count)] = {
            "predict_ms": _median_ms(predict, seconds),
            "json_ms": _median_ms(from_json, seconds),
        }
    print(json.dumps(found))


def _median_ms(call: Any, seconds: float) -> float:
    for _ in range(20):
        call()
    times = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1000, 3)


if __name__ == "__main__":
    main(float(sys.argv[1]), [int(count) for count in sys.argv[2:]])
