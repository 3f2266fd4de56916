"""Train and save small models: ``python tests/make_model.py FOLDER NAME...`` makes FOLDER/NAME for each name.

A program of its own, so that importing MLflow does not happen inside pytest (whose warnings are errors), and so that
other interpreters, with the MLflow of other years, can run it: Python 3.8 and later, MLflow 1.30 and later.
"""

from __future__ import annotations

import json
import logging
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, Schema
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

FLOWERS, SPECIES = load_iris(return_X_y=True, as_frame=True)
EXAMPLE = FLOWERS.head(2)


def requirements(*left_out: str) -> list[str]:
    """Return pins of what the models need and this environment has."""
    pins = []
    for name in ("mlflow-skinny", "numpy", "pandas", "scikit-learn", "skops"):
        try:
            if name not in left_out:
                pins.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue
    return pins


def classifier(flowers: Any = FLOWERS) -> LogisticRegression:
    return LogisticRegression(max_iter=1000).fit(flowers, SPECIES)


def save_sklearn(folder: Path, model: Any = None, **options: Any) -> None:
    options.setdefault("pip_requirements", requirements())
    mlflow.sklearn.save_model(model or classifier(), str(folder), **options)


def save_python(folder: Path, model: mlflow.pyfunc.PythonModel, data: Any, answer: Any, **options: Any) -> None:
    options.setdefault("signature", infer_signature(data, answer))
    options.setdefault("input_example", data)
    mlflow.pyfunc.save_model(str(folder), python_model=model, pip_requirements=requirements(), **options)


class Same(mlflow.pyfunc.PythonModel):
    """Answers what it was asked."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return model_input


class Broken(mlflow.pyfunc.PythonModel):
    """Needs something that is not there."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        raise RuntimeError("no such table: customers")


class Scaled(mlflow.pyfunc.PythonModel):
    """Multiplies by the parameter ``factor``."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return model_input["x"].to_numpy() * (params or {}).get("factor", 1)


class Described(mlflow.pyfunc.PythonModel):
    """Answers one DataFrame with a row, a text and a gap for each row."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        score = model_input["x"].where(model_input["x"] > 0)
        return pd.DataFrame({"score": score, "word": ["yes" if known else "no" for known in score.notna()]})


class Types(mlflow.pyfunc.PythonModel):
    """Answers what type each column arrived with, and the first row's day of the month."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        kinds = {name: model_input[name].dtype.kind for name in model_input}
        return [json.dumps({**kinds, "day": int(model_input["when"].dt.day[0]), "bytes": len(model_input["raw"][0])})]


class Told(mlflow.pyfunc.PythonModel):
    """Answers, for each row, what it holds and what types its columns have: any difference between two frames shows."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        if not isinstance(model_input, pd.DataFrame):
            return np.array([f"{model_input.dtype} {row.tolist()} {params}" for row in model_input])
        types = {name: str(model_input[name].dtype) for name in model_input}
        return [f"{types} {row} {params}" for row in model_input.to_dict(orient="records")]


class Sums(mlflow.pyfunc.PythonModel):
    """Adds the rows of the named tensor ``a`` to ``b``."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return model_input["a"].sum(axis=1) + model_input["b"]


class Dice(mlflow.pyfunc.PythonModel):
    """Never answers the same twice."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return np.random.default_rng().random(len(model_input))


class Centred(mlflow.pyfunc.PythonModel):
    """Subtracts the mean of all rows that come together, as a careless feature pipeline does."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return (model_input["x"] - model_input["x"].mean()).to_numpy()


class Total(mlflow.pyfunc.PythonModel):
    """Answers one number, however many rows come."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return np.array([model_input["x"].sum()])


class Threaded(mlflow.pyfunc.PythonModel):
    """Doubles, with a thread of its own beside it, as models have that fetch or prepare something."""

    def load_context(self, context: Any) -> None:
        import threading

        threading.Thread(target=threading.Event().wait, name="prefetch", daemon=True).start()

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return model_input["x"].to_numpy() * 2


class Unloadable(mlflow.pyfunc.PythonModel):
    """Lacks a file."""

    def load_context(self, context: Any) -> None:
        raise RuntimeError("no such file: weights.bin")

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return model_input


class Killed(mlflow.pyfunc.PythonModel):
    """Ends as a process does that the kernel kills for want of memory."""

    def load_context(self, context: Any) -> None:
        import os
        import signal

        os.kill(os.getpid(), signal.SIGKILL)

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return model_input


def iris(folder: Path) -> None:
    model = classifier()
    save_sklearn(folder, model, signature=infer_signature(FLOWERS, model.predict(FLOWERS)), input_example=EXAMPLE)


def no_example(folder: Path) -> None:
    model = classifier()
    save_sklearn(folder, model, signature=infer_signature(FLOWERS, model.predict(FLOWERS)))


def no_signature(folder: Path) -> None:
    save_sklearn(folder)


def wrong_output_signature(folder: Path) -> None:
    """Says that it answers a text named species; answers numbers."""
    outputs = Schema([ColSpec("string", "species")])
    save_sklearn(folder, signature=ModelSignature(infer_signature(FLOWERS).inputs, outputs), input_example=EXAMPLE)


def example_fails(folder: Path) -> None:
    data = pd.DataFrame({"x": [1.0, 2.0]})
    save_python(folder, Broken(), data, np.array([1.0]))


def needs_missing_module(folder: Path) -> None:
    """Saved with skops, as MLflow 3.17 does of itself, which its conda.yaml does not name."""
    model = classifier()
    signature = infer_signature(FLOWERS, model.predict(FLOWERS))
    save_sklearn(folder, model, signature=signature, input_example=EXAMPLE, pip_requirements=requirements("skops"))


def with_output_example(folder: Path) -> None:
    iris(folder)
    answer = classifier().predict(EXAMPLE).tolist()
    (folder / "output_example.json").write_text(json.dumps(answer), encoding="utf-8")


def wrong_output_example(folder: Path) -> None:
    iris(folder)
    (folder / "output_example.json").write_text("[0, 2]", encoding="utf-8")


def tensor_input(folder: Path) -> None:
    array = FLOWERS.to_numpy()
    model = classifier(array)
    save_sklearn(folder, model, signature=infer_signature(array, model.predict(array)), input_example=array[:2])


def named_tensors(folder: Path) -> None:
    data = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([1, 2])}
    save_python(folder, Sums(), data, np.array([4.0, 14.0]))


def sparse(folder: Path) -> None:
    from scipy.sparse import csr_matrix

    array = csr_matrix(FLOWERS.to_numpy())
    model = classifier(array)
    save_sklearn(folder, model, signature=infer_signature(array, model.predict(array)), input_example=array[:2])


def records(folder: Path) -> None:
    model = classifier()
    signature = infer_signature(FLOWERS, model.predict(FLOWERS))
    save_sklearn(folder, model, signature=signature, input_example=EXAMPLE.to_dict("records"))


def typed_columns(folder: Path) -> None:
    """A column of each type: datetime, binary, string, integer, long, float, double, boolean."""
    data = pd.DataFrame(
        {
            "when": pd.to_datetime(["2024-01-02T03:04:05", "2024-02-03T00:00:00"]),
            "raw": [b"\x00\x01" * 40, b"abc"],
            "text": ["x", "y"],
            "int": np.array([1, 2], dtype="int32"),
            "long": np.array([1, 2], dtype="int64"),
            "float": np.array([1, 2], dtype="float32"),
            "double": np.array([1.5, 2.5]),
            "flag": [True, False],
        }
    )
    save_python(folder, Types(), data, np.array(["{}"]))


def every_type(folder: Path) -> None:
    """A column of each type, three of them optional, and params."""
    columns = [
        (name, name) for name in ("datetime", "binary", "string", "integer", "long", "float", "double", "boolean")
    ]
    optional = [("string", "note"), ("double", "weight"), ("boolean", "member")]
    inputs = Schema(
        [ColSpec(type_, name) for type_, name in columns]
        + [ColSpec(type_, name, required=False) for type_, name in optional]
    )
    params = infer_signature(None, params={"factor": 2.5, "name": "x"}).params
    data = pd.DataFrame(
        {
            "datetime": pd.to_datetime(["2024-01-02T03:04:05", "2024-02-03T00:00:00"]),
            "binary": [b"ab", b"abc"],
            "string": ["x", "y"],
            "integer": np.array([1, 2], dtype="int32"),
            "long": np.array([1, 2], dtype="int64"),
            "float": np.array([1, 2], dtype="float32"),
            "double": np.array([1.5, 2.5]),
            "boolean": [True, False],
            "note": ["a", "b"],
            "weight": [0.5, 1.5],
            "member": [True, False],
        }
    )
    signature = ModelSignature(inputs, Schema([ColSpec("string")]), params)
    save_python(folder, Told(), data, None, signature=signature)


def whole_tensor(folder: Path) -> None:
    """Rows of three whole numbers."""
    data = np.arange(6, dtype="int32").reshape(2, 3)
    save_python(folder, Told(), data, np.array(["", ""]))


def dataframe_output(folder: Path) -> None:
    data = pd.DataFrame({"x": [-1.0, 2.0]})
    save_python(folder, Described(), data, Described().predict(None, data))


def with_params(folder: Path) -> None:
    data = pd.DataFrame({"x": [1.0, 2.0]})
    signature = infer_signature(data, np.array([1.0]), params={"factor": 2})
    save_python(folder, Scaled(), data, None, signature=signature, input_example=(data, {"factor": 3}))


def nested_columns(folder: Path) -> None:
    """A column of lists and one of objects, as chat and feature-store models have them."""
    data = {"scores": [1.0, 2.5], "who": {"name": "x", "age": 3}}
    save_python(folder, Same(), data, data)


def type_hints(folder: Path) -> None:
    class Hinted(mlflow.pyfunc.PythonModel):
        def predict(self, model_input: list[str], params: Any = None) -> list[str]:
            return [text.upper() for text in model_input]

    # Names in annotations become types here: this file's own are text.
    Hinted.predict.__annotations__.update({"model_input": list[str], "return": list[str], "params": Any})
    mlflow.pyfunc.save_model(
        str(folder), python_model=Hinted(), input_example=["a", "b"], pip_requirements=requirements()
    )


def text_lines(folder: Path) -> None:
    save_python(folder, Same(), ["a", "b"], ["a", "b"])


def not_deterministic(folder: Path) -> None:
    data = pd.DataFrame({"x": [1.0, 2.0]})
    save_python(folder, Dice(), data, np.array([0.5, 0.5]))


def depends_on_neighbours(folder: Path) -> None:
    data = pd.DataFrame({"x": [1.0, 2.5]})
    save_python(folder, Centred(), data, np.array([0.5, 0.5]))


def one_answer_for_all_rows(folder: Path) -> None:
    data = pd.DataFrame({"x": [1.0, 2.5]})
    save_python(folder, Total(), data, np.array([3.5]))


def runs_a_thread(folder: Path) -> None:
    data = pd.DataFrame({"x": [1.0, 2.5]})
    save_python(folder, Threaded(), data, np.array([2.0, 5.0]))


def cannot_be_loaded(folder: Path) -> None:
    data = pd.DataFrame({"x": [1.0]})
    save_python(folder, Unloadable(), data, np.array([1.0]), input_example=None)


def killed_while_loading(folder: Path) -> None:
    data = pd.DataFrame({"x": [1.0]})
    # Saving with an example would load the model.
    save_python(folder, Killed(), data, np.array([1.0]), input_example=None)


def main() -> None:
    logging.disable(logging.WARNING)
    root = Path(sys.argv[1])
    for name in sys.argv[2:]:
        globals()[name](root / name)


if __name__ == "__main__":
    main()
