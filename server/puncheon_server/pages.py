"""The Flask application: all that is not a score.  It answers at once, whatever the model is doing."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, NotFound

from puncheon_server import swagger
from puncheon_server.backend import Backend
from puncheon_server.headers import read_ids


def make_pages(backend: Backend, version: str, service: swagger.Service) -> Flask:
    """Return the application; ``version`` goes into every answer, ``service`` into the description."""
    app = Flask("puncheon")
    app.json.sort_keys = False  # type: ignore[attr-defined]

    @app.get("/")
    @app.get("/readyz")
    def ready() -> Any:
        """200 while a request would be answered, else 503 with the reason."""
        if backend.is_ready:
            return Response("Healthy", mimetype="text/html")
        state = backend.state
        answer = jsonify({"message": f"The model is not ready: {state['reason']}.", "state": state["state"]})
        answer.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return answer

    @app.get("/livez")
    def alive() -> Any:
        """200: this process answers, and the supervisor ends the container where the model cannot come back."""
        return Response("Healthy", mimetype="text/plain")

    @app.get("/swagger.json")
    def describe() -> Any:
        try:
            return swagger.description(service, request.args.get("version"), backend.state.get("schemas"))
        except swagger.AbsentError as error:
            raise NotFound(str(error)) from None

    @app.route("/score", methods=["OPTIONS"])
    def options() -> Any:
        return Response("", mimetype="text/html")

    @app.errorhandler(HTTPException)
    def as_json(error: HTTPException) -> Any:
        answer = jsonify({"message": error.description})
        answer.status_code = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        return answer

    @app.after_request
    def with_ids(answer: Response) -> Response:
        ids = read_ids((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers)
        if ids.fault is not None:
            answer = jsonify({"message": ids.fault})
            answer.status_code = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            ids = ids.without_faults()
        for name, value in ids.headers():
            answer.headers[name.decode()] = value.decode("latin-1")
        answer.headers["x-ms-server-version"] = version
        return answer

    return app
