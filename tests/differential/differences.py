"""Where our server answers otherwise than azureml-inference-server-http 1.5.1, and why: docs/differences.md as data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.differential.cases import ABSENT, MILLISECONDS, NEW_ID, SERVER

FAILED, EXEC = "x-ms-run-function-failed", "x-ms-run-fn-exec-ms"


@dataclass(frozen=True)
class Difference:
    """A difference that requests of the table show.

    Attributes
    ----------
    what
        What the reference does, and what we do.
    why
        The reason.
    """

    what: str
    why: str


DIFFERENCES = {
    "ids everywhere": Difference(
        "The reference's 404 and 405, and its 431 for an id that is too long, carry no ids, no version and no CORS "
        "headers; an empty `x-request-id` stays empty. Ours carry them, ids that are too long or empty are replaced by "
        "a new one, and the limit of 100 characters holds on every route. 413, 502 and 504, which come from nginx in "
        "the reference's images, carry `x-request-id` and CORS headers, too.",
        "A failure that a client reports can be found in the log.",
    ),
    "HEAD": Difference(
        "`HEAD /score` is a 405 in the reference unless the script has raw HTTP access. Ours answers as `GET` does, "
        "without the body.",
        "RFC 9110: what answers GET answers HEAD.",
    ),
    "trailing slash": Difference(
        "`/score/` and `/swagger.json/` are a 404 in the reference. Ours takes them for `/score` and `/swagger.json`.",
        "Clients and gateways add a slash; there is nothing else that they could mean.",
    ),
    "client's mistake": Difference(
        "A value that does not fit the schema of `inference-schema` is a 500 in the reference, with the text of a "
        "failing script; a body that is no UTF-8, or nested too deeply, is an internal error. Ours answers 400 and "
        "says what was expected.",
        "A 500 sends the service's owner looking for a fault that is the client's.",
    ),
    "refusal": Difference(
        "An exception with a `status` from 400 to 499, which the script raises, is a 500 in the reference. Ours "
        "answers with that status, and the exception's text is the message.",
        "An undecorated script can tell a client's mistake from its own without building a response.",
    ),
    "NaN": Difference(
        "NaN and the infinities are written as `NaN` and `Infinity` by the reference, which is not JSON. Ours writes "
        "`null`.",
        "Strict clients (JavaScript, Java, Go) cannot read the whole answer otherwise.",
    ),
    "values": Difference(
        "NumPy's arrays and scalars, DataFrames and Series, bytes (base64), sets, dates, decimals and pydantic's "
        "models that `run` returns are a 500 in the reference. Ours writes them as JSON.",
        "They are what models return.",
    ),
    "timeout": Difference(
        "A score that takes longer than SCORING_TIMEOUT_MS is a 500 in the reference, and only where the limit can be "
        "raised as an exception. Ours is a 504, whatever the script is doing: its worker is ended and replaced.",
        "504 is the status for it, and code that holds the interpreter is not stopped by an exception.",
    ),
    "form": Difference(
        "A body whose type is a form reaches `run` as an empty text in the reference. Ours hands it over as it is.",
        "The type says nothing of what an undecorated script wants, and `curl --data` sends this one unless told.",
    ),
    "exit": Difference(
        "A script that calls `sys.exit` in `run` is an HTML page without ids in the reference. Ours answers as to "
        "every other exception.",
        "Clients parse JSON.",
    ),
    "generator": Difference(
        "A response whose body is a generator comes in chunks from the reference. Ours collects it and sends it whole.",
        "The script runs in a process of its own; streaming between the two is not part of this version.",
    ),
    "unknown method": Difference(
        "A method that HTTP does not have is a 405 in the reference. Ours is a 400, of plain text.",
        "The parser refuses the request before it is one.",
    ),
    "no origin": Difference(
        "To a request without `Origin` the reference names one of AML_CORS_ORIGINS all the same (not with `*`). Ours "
        "says nothing of origins.",
        "It is no cross-origin request, and a cache would keep the wrong one.",
    ),
    "whole origin": Difference(
        "A regular expression in AML_CORS_ORIGINS need match only the beginning of an origin in the reference. Ours "
        "must match all of it.",
        "`https://.*\\.example\\.com` would let `https://a.example.com.evil.net` in.",
    ),
}

VARIABLES = (
    "AML_APP_INSIGHTS_ENABLED", "AML_APP_INSIGHTS_KEY", "AML_APP_ROOT", "AML_CORS_ORIGINS", "AML_DBG_MODEL_INFO",
    "AML_DBG_RESOURCE_INFO", "AML_MDC_STORAGE_ENABLED", "AML_MODEL_DC_STORAGE_ENABLED",
    "APP_INSIGHTS_LOG_RESPONSE_ENABLED", "AZUREML_CONFIG_FILE", "AZUREML_DEBUG_PORT", "AZUREML_ENTRY_SCRIPT",
    "AZUREML_LOG_LEVEL", "AZUREML_MODEL_DIR", "AZUREML_SOURCE_DIRECTORY", "HEALTH_PORT", "HOSTNAME",
    "SCORING_TIMEOUT_MS", "SEPERATE_HEALTH_ENDPOINT", "SERVER_PORT", "SERVER_VERSION_LOG_RESPONSE_ENABLED",
    "SERVICE_NAME", "SERVICE_PATH_PREFIX", "SERVICE_VERSION", "TRANSPORT_PROTOCOL", "WORKER_COUNT", "WORKER_PRELOAD",
    "WORKER_TIMEOUT", "WORKSPACE_NAME",
)  # fmt: skip
"""All that the reference's server reads of its environment."""

IDS = {"x-request-id": NEW_ID, "x-ms-request-id": NEW_ID}


def refused(text: str, status: int = 400) -> dict[str, Any]:
    """Return what of our answer is another one where a request is refused."""
    return {"status": status, "body": _message(text), FAILED: "False"}


def written(body: bytes) -> dict[str, Any]:
    """Return what of our answer is another one where a value is written as JSON."""
    return {"status": 200, "body": body, FAILED: "False", EXEC: MILLISECONDS}


def with_ids(**ids: str) -> dict[str, Any]:
    """Return the headers of ours on an answer that has none of them in the reference; ``x_request_id`` names one."""
    return {**IDS, "x-ms-server-version": SERVER, **{name.replace("_", "-"): value for name, value in ids.items()}}


def failed(**more: Any) -> dict[str, Any]:
    """Return our answer to a request that the script failed with, where the reference has another one."""
    text = "An unexpected error occurred in scoring script. Check the logs for more info."
    return {"status": 500, "body": _message(text), FAILED: "True", EXEC: ABSENT, **more}


def _message(text: str) -> bytes:
    return json.dumps({"message": text}).encode()
