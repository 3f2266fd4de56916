"""The response with which a script chooses status and headers."""

from __future__ import annotations

import json
from typing import Any, Mapping

from flask import Response


class AMLResponse(Response):
    """A Flask response with the signature of azureml-inference-server-http.

    Parameters
    ----------
    message
        The body; None stands for an empty JSON object.
    status_code
        The status.
    response_headers
        Headers; a comma in a value makes several of it.
    json_str
        Whether the message is to be written as JSON.
    run_function_failed
        The value of ``x-ms-run-function-failed``.
    """

    def __init__(
        self,
        message: Any,
        status_code: int,
        response_headers: Mapping[str, str] | None = None,
        json_str: bool = False,
        run_function_failed: bool = False,
    ) -> None:
        if message is None or json_str:
            body = json.dumps({} if message is None else message)
            super().__init__(body, status=status_code, mimetype="application/json")
        else:
            super().__init__(message, status=status_code)
        headers = dict(response_headers or {})
        if "Content-Type" in headers and not json_str:
            self.headers.remove("Content-Type")
        self.headers["x-ms-run-function-failed"] = str(run_function_failed)
        for name, value in headers.items():
            for part in value.split(","):
                self.headers.add(name, part.strip())
