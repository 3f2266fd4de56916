"""The description of the routes: Swagger 2.0, OpenAPI 3.0 and 3.1, as azureml-inference-server-http serves them."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

VERSIONS = {"2": "2.0", "2.0": "2.0", "3": "3.0.0", "3.0": "3.0.0", "3.1": "3.1.0"}
"""What ``?version=`` may say, and the version that is meant."""

HEALTH = "Whether a request would be answered."
SCORE = "Score the model."


def answer(version: str | None) -> Response:
    """Return the description in a version (default: 2.0), or a 404 that says which there are."""
    wanted = "2" if version is None else version
    if wanted not in VERSIONS:
        refused = jsonify({"message": f"Swagger version [{wanted}] not found. Supported versions: [2, 3, 3.1]."})
        refused.status_code = 404
        return refused
    return jsonify(description(VERSIONS[wanted]))


def description(version: str) -> dict[str, Any]:
    """Return the description: ``2.0``, or OpenAPI's ``3.0.0`` or ``3.1.0``."""
    info = {"title": "ML service", "description": "API specification for the service ML service", "version": "1.0"}
    if version == "2.0":
        return {
            "swagger": version,
            "info": info,
            "schemes": ["https"],
            "consumes": ["application/json"],
            "produces": ["application/json"],
            "paths": _paths(
                body={"parameters": [{"name": "payload", "in": "body", "schema": {"type": "object"}}]},
                answer={"schema": {"type": "object"}},
                text={"schema": {"type": "string"}},
            ),
        }
    return {
        "openapi": version,
        "info": info,
        "paths": _paths(
            body={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}},
            answer={"content": {"application/json": {"schema": {"type": "object"}}}},
            text={"content": {"text/plain": {"schema": {"type": "string"}}}},
        ),
    }


def _paths(body: dict[str, Any], answer: dict[str, Any], text: dict[str, Any]) -> dict[str, Any]:
    responses = {"200": {"description": "The model's answer.", **answer}, "default": {"description": "A failure."}}
    return {
        "/": {
            "get": {
                "operationId": "ServiceHealthCheck",
                "description": HEALTH,
                "responses": {"200": {"description": "Healthy.", **text}, "default": {"description": "Not ready."}},
            }
        },
        "/score": {"post": {"operationId": "RunMLService", "description": SCORE, **body, "responses": responses}},
    }
