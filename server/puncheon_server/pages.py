"""The Flask application: all that is not a score.  It answers at once, whatever the model is doing."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, NotFound

from puncheon_server import swagger
from puncheon_server.backend import Backend
from puncheon_server.headers import FAILED, read_ids


def make_pages(backend: Backend, version: str, service: swagger.Service) -> Flask:
    """Return the application; ``version`` goes into every answer unless it is empty, ``service`` is described."""
    app = Flask("puncheon")

    @app.get("/")
    @app.get("/readyz")
    def ready() -> Any:
        """200 while a request would be answered, else 503 with the reason."""
        if backend.is_ready:
            return Response("Healthy", mimetype="text/html")
        state = backend.state
        told = {"message": f"The model is not ready: {state['reason']}.", "state": state["state"]}
        return _as_json(told, HTTPStatus.SERVICE_UNAVAILABLE)

    @app.get("/livez")
    def alive() -> Any:
        """200: this process answers, and the supervisor ends the container where the model cannot come back."""
        return Response("Healthy", mimetype="text/plain")

    @app.get("/swagger.json")
    def describe() -> Any:
        try:
            return _as_json(swagger.description(service, request.args.get("version"), backend.state.get("schemas")))
        except swagger.AbsentError as error:
            raise NotFound(str(error)) from None

    @app.route("/score", methods=["OPTIONS"])
    def options() -> Any:
        return Response("", mimetype="text/html", headers=SUCCEEDED)

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Any:
        return _as_json({"message": error.description}, error.code or HTTPStatus.INTERNAL_SERVER_ERROR)

    @app.after_request
    def with_ids(answer: Response) -> Response:
        ids = read_ids((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers)
        if ids.fault is not None:
            answer = _as_json({"message": ids.fault}, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            ids = ids.without_faults()
        for name, value in ids.headers():
            answer.headers[name.decode()] = value.decode("latin-1")
        if version:
            answer.headers["x-ms-server-version"] = version
        return answer

    return app


SUCCEEDED = {FAILED.decode(): "False"}
"""The entry script has not failed: it was not asked."""


def _as_json(value: Any, status: int = HTTPStatus.OK) -> Response:
    return Response(json.dumps(value), status, mimetype="application/json", headers=SUCCEEDED)
