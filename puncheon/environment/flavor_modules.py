"""The modules that a model's flavors need: what the finished environment must be able to import."""

from __future__ import annotations

from puncheon.model_folder import PYFUNC, ModelFolder

# Flavors whose module is not called as they are.
MODULES = {
    "pytorch": ("torch",),
    "paddle": ("paddle",),
    "spark": ("pyspark",),
    "onnx": ("onnx", "onnxruntime"),
    "johnsnowlabs": ("johnsnowlabs", "pyspark"),
}
# Flavors that another one is saved with, or that no Python module serves.
WITHOUT_MODULE = frozenset({PYFUNC, "mleap", "crate", "loader_module"})
# How MLflow's scikit-learn flavor may be saved.
SERIALIZERS = {"skops": "skops", "cloudpickle": "cloudpickle"}


def modules_of(model: ModelFolder) -> tuple[str, ...]:
    """Return the modules in import order: the pyfunc loader first, unless the model brings it in its own code."""
    modules: list[str] = []
    loader = model.python_function.loader_module
    if not _in_model(model, loader):
        modules.append(loader)
    for name, configuration in sorted(model.flavors.items()):
        if name in WITHOUT_MODULE or not _is_mlflow_flavor(loader, name):
            continue
        modules += MODULES.get(name, (name,))
        serializer = SERIALIZERS.get(str(configuration.get("serialization_format")))
        if serializer:
            modules.append(serializer)
    return tuple(dict.fromkeys(modules))


def _is_mlflow_flavor(loader: str, name: str) -> bool:
    """Only the flavor that the loader belongs to is loaded; a model may list others (an XGBoost model's sklearn)."""
    return loader == f"mlflow.{name}" or loader.startswith(f"mlflow.{name}.")


def _in_model(model: ModelFolder, module: str) -> bool:
    """Whether the model's own code has the module, which is on the path only when the model is loaded."""
    if model.python_function.code is None:
        return False
    code = model.path / model.python_function.code
    top = module.split(".")[0]
    return (code / top).is_dir() or (code / f"{top}.py").is_file()
