"""Serves several MLflow models, each by a copy of the kit's entry script: a request names its model in a first line."""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from pathlib import Path

_scripts = {}


def init():
    """Load each folder that MODELS names by the script ENTRY_SCRIPT."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    for folder in map(Path, os.environ["MODELS"].split(os.pathsep)):
        spec = importlib.util.spec_from_file_location("score_" + folder.name, os.environ["ENTRY_SCRIPT"])
        _scripts[folder.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(_scripts[folder.name])
        os.environ["AZUREML_MODEL_DIR"] = str(folder)
        _scripts[folder.name].init()
        _scripts[folder.name].warm_up()


def run(data):
    """Answer by the named model's script."""
    name, _, body = data.partition("\n")
    return _scripts[name].run(body)


def prepare(data):
    """Requests of one model and one key share."""
    name, _, body = data.partition("\n")
    return _named(name, *_scripts[name].prepare(body))


def prepare_parsed(value):
    """Take the model's name and the parsed body."""
    name, body = value
    return _named(name, *_scripts[name].prepare_parsed(body))


def _named(name, key, item, rows):
    return None if key is None else (name, key), (name, item), rows


def run_batch(items):
    """Answer items of one model."""
    return _scripts[items[0][0]].run_batch([item for _, item in items])
