"""Trains, and serves as an entry script, a small model of one library with math threads of its own.

``python math_model.py LIBRARY FILE`` trains; the runner serves MATH_MODEL of MATH_LIBRARY.  PARENT_THREADS is what a
careless script does: it gives the library so many threads while it loads, and predicts with them.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

if os.environ.get("PARENT_THREADS"):
    os.environ["OMP_NUM_THREADS"] = os.environ["PARENT_THREADS"]

import numpy as np

ROWS, COLUMNS = 4000, 20
_model = None


class XGBoost:
    """A Booster, which takes the threads that OpenMP has."""

    def train(self, x, y, path):
        import xgboost

        xgboost.train({"objective": "reg:squarederror"}, xgboost.DMatrix(x, y), 20).save_model(path)

    def load(self, path):
        import xgboost

        self._matrix, self._booster = xgboost.DMatrix, xgboost.Booster(model_file=path)

    def predict(self, x):
        return self._booster.predict(self._matrix(x))


class LightGBM:
    """A Booster; its text holds no number of threads."""

    def train(self, x, y, path):
        import lightgbm

        lightgbm.train({"verbosity": -1}, lightgbm.Dataset(x, y), 20).save_model(path)

    def load(self, path):
        import lightgbm

        self._booster = lightgbm.Booster(model_file=path)

    def predict(self, x):
        return self._booster.predict(x)


class HistGradientBoosting:
    """Scikit-learn's own OpenMP code."""

    def train(self, x, y, path):
        import pickle

        from sklearn.ensemble import HistGradientBoostingRegressor

        Path(path).write_bytes(pickle.dumps(HistGradientBoostingRegressor(max_iter=20).fit(x, y)))

    def load(self, path):
        import pickle

        self._model = pickle.loads(Path(path).read_bytes())

    def predict(self, x):
        return self._model.predict(x)


class Torch:
    """A network of two layers, wide enough for torch to share it among threads."""

    def _network(self):
        import torch

        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Linear(COLUMNS, 256), torch.nn.ReLU(), torch.nn.Linear(256, 1))

    def train(self, x, y, path):
        import torch

        torch.save(self._network().state_dict(), path)

    def load(self, path):
        import torch

        if os.environ.get("PARENT_THREADS"):
            torch.set_num_threads(int(os.environ["PARENT_THREADS"]))
        self._torch, self._model = torch, self._network()
        self._model.load_state_dict(torch.load(path))

    def predict(self, x):
        with self._torch.no_grad():
            return self._model(self._torch.from_numpy(x.astype("float32"))).numpy()[:, 0]


LIBRARIES = {"xgboost": XGBoost, "lightgbm": LightGBM, "scikit-learn": HistGradientBoosting, "torch": Torch}


def data(rows):
    """Return always the same numbers."""
    x = np.random.default_rng(0).random((rows, COLUMNS))
    return x, x.sum(axis=1)


def init():
    """Load."""
    global _model
    _model = LIBRARIES[os.environ["MATH_LIBRARY"]]()
    _model.load(os.environ["MATH_MODEL"])
    if os.environ.get("PARENT_THREADS"):
        _model.predict(data(ROWS)[0])


def run(text):
    """Predict rows; ``[]`` for many, and then tell how many threads this process has."""
    rows = json.loads(text)
    if rows:
        return _model.predict(np.array(rows))
    total = float(_model.predict(data(ROWS)[0]).sum())
    return {"total": total, "threads": len(list(Path("/proc/self/task").iterdir())), "pools": pools()}


def warm_up():
    """Score one row."""
    _model.predict(data(1)[0])


def pools():
    """Return the threads of each pool that threadpoolctl knows, by its interface; nothing where it is not installed."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return {}
    return {"{} {}".format(one["user_api"], one["internal_api"]): one["num_threads"] for one in threadpool_info()}


if __name__ == "__main__":
    LIBRARIES[sys.argv[1]]().train(*data(ROWS), sys.argv[2])
