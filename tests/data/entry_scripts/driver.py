"""A driver script, as Azure's SDK makes them: init() is its own, run() the real script's."""

import types

driver_module = types.ModuleType("score")
driver_module.__file__ = __file__
STARTED = []


def init():
    STARTED.append("driver")


def run(data):
    raise RuntimeError("the driver's own run")


def _run(data):
    return ["score", data, STARTED]


driver_module.run = _run
