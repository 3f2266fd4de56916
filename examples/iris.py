"""Train a classifier on the iris flowers and save it as an MLflow model folder, with signature and input example.

python examples/iris.py --output artifacts/iris_model
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import mlflow.sklearn
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

REQUIREMENTS = ("mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops")
"""What the model needs to be loaded and asked; stated, so that nothing else of this environment is logged."""


def train_and_save(folder: Path, seed: int) -> float:
    """Save the model in ``folder``, which must not exist, and return its accuracy on a quarter of the flowers."""
    measures, species = load_iris(return_X_y=True, as_frame=True)
    train_x, test_x, train_y, test_y = train_test_split(measures, species, test_size=0.25, random_state=seed)
    model = LogisticRegression(max_iter=1000).fit(train_x, train_y)
    mlflow.sklearn.save_model(
        model,
        str(folder),
        # Of the model's own answers: the labels of the training data may be of another type.
        signature=infer_signature(train_x, model.predict(train_x)),
        input_example=measures.head(2),
        pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
    )
    return float(model.score(test_x, test_y))


def replace_folder(new: Path, target: Path) -> None:
    """Put ``new`` in the place of ``target``, in steps that leave one of the two whole."""
    old = new.with_name(f"{new.name}.old")
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def main() -> None:
    """Train, save, and say what was made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("artifacts/iris_model"), help="the model's folder")
    parser.add_argument("--seed", type=int, default=0, help="another seed trains on other flowers")
    arguments = parser.parse_args()
    output: Path = arguments.output.resolve()
    if output.exists() and not (output / "MLmodel").exists() and any(output.iterdir()):
        parser.error(f"{output} holds something else than a model; name another folder")

    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as workshop:
        new = Path(workshop, output.name)
        accuracy = train_and_save(new, arguments.seed)
        replace_folder(new, output)
    size_kb = sum(path.stat().st_size for path in output.rglob("*") if path.is_file()) / 1024
    print(f"{os.path.relpath(output)}: iris classifier, accuracy {accuracy:.2f} on unseen flowers, {size_kb:.0f} kB")
    print(f"  {' '.join(sorted(path.name for path in output.iterdir()))}")


if __name__ == "__main__":
    main()
