"""Variables that azureml-inference-server-http knows and that have no effect here; docs/differences.md says why."""

from __future__ import annotations

from typing import Mapping

NAMES = (
    "AML_APP_INSIGHTS_ENABLED",
    "AML_APP_INSIGHTS_KEY",
    "AML_MDC_STORAGE_ENABLED",
    "AML_MODEL_DC_STORAGE_ENABLED",
    "APP_INSIGHTS_LOG_RESPONSE_ENABLED",
    "AZUREML_CONFIG_FILE",
    "AZUREML_DEBUG_PORT",
    "HEALTH_PORT",
    "SEPERATE_HEALTH_ENDPOINT",
    "SERVER_PORT",
    "WORKSPACE_NAME",
)


def notice(environ: Mapping[str, str]) -> str:
    """Return a line that names those that are set (to more than ``false``), or nothing."""
    found = [name for name in NAMES if environ.get(name, "").lower() not in ("", "false")]
    return f"puncheon: no effect here: {', '.join(found)} (docs/differences.md)" if found else ""
