"""Names of distributions that models need most, for "did you mean": no index can be asked for near names."""

from __future__ import annotations

import difflib

from packaging.utils import canonicalize_name

# The name that people import, and the distribution that has it.
IMPORT_NAMES = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "google-cloud": "google-cloud-storage",
    "pil": "pillow",
    "pytorch": "torch",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}

COMMON = (
    *("accelerate", "azureml-ai-monitoring", "azureml-core", "azureml-inference-server-http", "azureml-mlflow"),
    *("azure-identity", "azure-storage-blob", "boto3", "catboost", "category-encoders", "cloudpickle", "cryptography"),
    *("datasets", "defusedxml", "dill", "fastapi", "fastai", "feature-engine", "flask", "gensim", "gunicorn", "h2o"),
    *("holidays", "hyperopt", "imbalanced-learn", "inference-schema", "joblib", "keras", "langchain", "lightgbm"),
    *("llvmlite", "matplotlib", "mlflow", "mlflow-skinny", "nltk", "numba", "numpy", "onnx", "onnxruntime", "openai"),
    *("openpyxl", "optuna", "packaging", "pandas", "pillow", "plotly", "pmdarima", "polars", "prophet", "protobuf"),
    *("psutil", "pyarrow", "pydantic", "pyspark", "pyyaml", "requests", "scikit-image", "scikit-learn", "scipy"),
    *("seaborn", "sentence-transformers", "sentencepiece", "setuptools", "shap", "sktime", "skops", "spacy"),
    *("sqlalchemy", "statsmodels", "tensorflow", "tensorflow-cpu", "tokenizers", "torch", "torchvision", "tqdm"),
    *("transformers", "typing-extensions", "werkzeug", "xgboost"),
)


def meant(name: str) -> str | None:
    """Return the distribution that a name was probably meant to be, or None."""
    wanted = canonicalize_name(name)
    if wanted in IMPORT_NAMES:
        return IMPORT_NAMES[wanted]
    near = difflib.get_close_matches(wanted, (*COMMON, *IMPORT_NAMES), n=1, cutoff=0.75)
    return IMPORT_NAMES.get(near[0], near[0]) if near and near[0] != wanted else None
