"""puncheon turns an MLflow model folder into one container image in the Azure ML inference layout."""

from __future__ import annotations

__version__ = "0.1.0"
