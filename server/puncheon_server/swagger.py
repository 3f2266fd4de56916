"""The description of the routes: Swagger 2.0, OpenAPI 3.0 and 3.1, as azureml-inference-server-http serves them.

A file of the user's in AML_APP_ROOT wins: ``swagger.json`` or ``swagger2.json``, ``swagger3.json``,
``swagger3.1.json``.  Else the description is made of the schemas that the entry script's decorators give (package
inference-schema), or of empty ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

VERSIONS = {"2": "2", "2.0": "2", "3": "3", "3.0": "3", "3.1": "3.1"}
"""What ``?version=`` may say, and the version that is meant."""

FILES = {"2": ("swagger.json", "swagger2.json"), "3": ("swagger3.json",), "3.1": ("swagger3.1.json",)}

EMPTY: Json = {"type": "object", "example": {}}
"""The schema of a script that gives none."""

HEALTH = "Whether a request would be answered."
SCORE = "Score the model."
SPECIFICATION = "This description."


class AbsentError(LookupError):
    """There is no description in the version that was asked for; the message says which there are."""


@dataclass(frozen=True)
class Service:
    """What a description says of the service: SERVICE_NAME, SERVICE_VERSION, SERVICE_PATH_PREFIX."""

    name: str = "ML service"
    version: str = "1.0"
    prefix: str = ""
    root: Path = Path()

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Service:
        """Read it from the environment."""
        prefix = environ.get("SERVICE_PATH_PREFIX", "").strip("/")
        return cls(
            environ.get("SERVICE_NAME") or cls.name,
            environ.get("SERVICE_VERSION") or cls.version,
            f"/{prefix}" if prefix else "",
            Path(environ.get("AML_APP_ROOT") or "."),
        )


def description(service: Service, asked: str | None, schemas: Mapping[str, Any] | None = None) -> Json:
    """Return the description in a version (None: 2.0).

    Parameters
    ----------
    schemas
        ``input``, ``output`` and ``versions`` as the entry script's decorators give them, or None.

    Raises
    ------
    AbsentError
        If there is none.
    """
    version = VERSIONS.get("2" if asked is None else asked)
    if version is None:
        raise AbsentError(f"Swagger version [{asked}] is not valid. Supported versions: [2, 3, 3.1].")
    for name in FILES[version]:
        file = service.root / name
        if file.is_file():
            return dict(json.loads(file.read_text(encoding="utf-8")))
    found = schemas or {"input": EMPTY, "output": EMPTY, "versions": list(VERSIONS)}
    there = sorted({VERSIONS[one] for one in found["versions"] if one in VERSIONS})
    if version not in there:
        raise AbsentError(
            f"Swagger version [{asked or version}] is not supported for the scoring script. "
            f"Supported swagger versions: [{', '.join(there)}]."
        )
    return _of_schemas(service, version, found["input"], found["output"])


def _of_schemas(service: Service, version: str, taken: Json, given: Json) -> Json:
    info = {
        "title": service.name,
        "description": f"API specification for the Azure Machine Learning service {service.name}",
        "version": service.version,
    }
    failure: Json = {"type": "object", "properties": {"message": {"type": "string"}}}
    schemas = {"ServiceInput": taken, "ServiceOutput": given, "ErrorResponse": failure}
    if version == "2":
        paths = _paths(service.prefix, lambda name: {"schema": _reference("definitions", name)}, _body_2())
        form = {"schemes": ["https"], "consumes": ["application/json"], "produces": ["application/json"]}
        return {"swagger": "2.0", "info": info, **form, "paths": paths, "definitions": schemas}
    paths = _paths(service.prefix, lambda name: _content(_reference("components/schemas", name)), _body_3())
    return {
        "openapi": "3.1.0" if version == "3.1" else "3.0.3",
        "info": info,
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _paths(prefix: str, holds: Any, body: Json) -> Json:
    def operation(name: str, about: str, answer: Json, **more: Any) -> Json:
        failure = {"description": "The request failed.", **holds("ErrorResponse")}
        return {"operationId": name, "description": about, **more, "responses": {"200": answer, "default": failure}}

    healthy = {"description": "`Healthy`"}
    scored = {"description": "What the model answers.", **holds("ServiceOutput")}
    described = {"description": "The description."}
    return {
        f"{prefix}/": {"get": operation("ServiceHealthCheck", HEALTH, healthy)},
        f"{prefix}/score": {"post": operation("RunMLService", SCORE, scored, **body)},
        f"{prefix}/swagger.json": {"get": operation("GetSwaggerSpec", SPECIFICATION, described)},
    }


def _body_2() -> Json:
    schema = _reference("definitions", "ServiceInput")
    return {"parameters": [{"name": "serviceInputPayload", "in": "body", "schema": schema}]}


def _body_3() -> Json:
    return {"requestBody": _content(_reference("components/schemas", "ServiceInput"))}


def _content(schema: Json) -> Json:
    return {"content": {"application/json": {"schema": schema}}}


def _reference(place: str, name: str) -> Json:
    return {"$ref": f"#/{place}/{name}"}
