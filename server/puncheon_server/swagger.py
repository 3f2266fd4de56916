"""The description of the routes: Swagger 2.0, OpenAPI 3.0 and 3.1, as azureml-inference-server-http serves them.

A file of the user's in AML_APP_ROOT, or beside the entry script, wins: ``swagger.json`` or ``swagger2.json``,
``swagger3.json``, ``swagger3.1.json``.  Else the description is made of the schemas that the entry script's decorators
give (package inference-schema), or of empty ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

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
    """What a description says of the service: SERVICE_NAME, SERVICE_VERSION, SERVICE_PATH_PREFIX.

    Attributes
    ----------
    folders
        Where files of the user's are looked for.
    """

    name: str = "ML service"
    version: str = "1.0"
    prefix: str = ""
    folders: tuple[Path, ...] = ()

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Service:
        """Read it from the environment."""
        root = Path(environ.get("AML_APP_ROOT") or ".")
        prefix = environ.get("SERVICE_PATH_PREFIX", "").strip("/")
        return cls(
            environ.get("SERVICE_NAME") or cls.name,
            environ.get("SERVICE_VERSION") or cls.version,
            f"/{prefix}" if prefix else "",
            (root, (root / environ.get("AZUREML_ENTRY_SCRIPT", "main.py")).parent),
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
    for file in (folder / name for folder in service.folders for name in FILES[version]):
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
    info = {"title": service.name, "description": f"The routes of {service.name}.", "version": service.version}
    failure: Json = {"type": "object", "properties": {"message": {"type": "string"}}}
    schemas = {"ServiceInput": taken, "ServiceOutput": given, "ErrorResponse": failure}
    if version == "2":
        return {
            "swagger": "2.0",
            "info": info,
            "schemes": ["https"],
            "consumes": ["application/json"],
            "produces": ["application/json"],
            "securityDefinitions": KEY,
            "paths": _paths(service.prefix, _PARTS_2),
            "definitions": schemas,
        }
    return {
        "openapi": "3.1.0" if version == "3.1" else "3.0.3",
        "info": info,
        "security": ASKED,
        "paths": _paths(service.prefix, _PARTS_3),
        "components": {"schemas": schemas, "securitySchemes": KEY},
    }


KEY = {
    "Bearer": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "description": "What an endpoint before this service asks for; the service itself asks for none.",
    }
}
ASKED: list[Json] = [{"Bearer": []}]


class Parts(NamedTuple):
    """What the versions say in different words.

    Attributes
    ----------
    refer
        Makes the content of an answer from a schema's name.
    healthy, described
        The content of the probe's answer and of the description's.
    taken
        The body of a score.
    number
        The type of the parameter ``version``.
    """

    refer: Callable[[str], Json]
    healthy: Json
    described: Json
    taken: Json
    number: Json


def _paths(prefix: str, parts: Parts) -> Json:
    def operation(name: str, about: str, answer: Json, **more: Any) -> Json:
        failure = {"description": "The request failed.", **parts.refer("ErrorResponse")}
        return {"operationId": name, "description": about, **more, "responses": {"200": answer, "default": failure}}

    healthy = {"description": "`Healthy`", **parts.healthy}
    scored = {"description": "What the model answers.", **parts.refer("ServiceOutput")}
    described = {"description": "The description.", **parts.described}
    version = {"name": "version", "in": "query", "required": False, **parts.number}
    return {
        f"{prefix}/": {"get": operation("ServiceHealthCheck", HEALTH, healthy)},
        f"{prefix}/score": {"post": operation("RunMLService", SCORE, scored, security=ASKED, **parts.taken)},
        f"{prefix}/swagger.json": {
            "get": operation("GetSwaggerSpec", SPECIFICATION, described, parameters=[version]),
        },
    }


def _content(kind: str, schema: Json) -> Json:
    return {"content": {kind: {"schema": schema}}}


def _refer_2(name: str) -> Json:
    return {"schema": {"$ref": f"#/definitions/{name}"}}


def _refer_3(name: str) -> Json:
    return _content("application/json", {"$ref": f"#/components/schemas/{name}"})


_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer", "enum": [2, 3]}
_PARTS_2 = Parts(
    refer=_refer_2,
    healthy={"schema": _TEXT, "examples": {"application/json": "Healthy"}},
    described={"schema": _TEXT},
    taken={"parameters": [{"name": "serviceInputPayload", "in": "body", **_refer_2("ServiceInput")}]},
    number=_NUMBER,
)
_PARTS_3 = Parts(
    refer=_refer_3,
    healthy=_content("text/plain", {"type": "string", "example": "Healthy"}),
    described=_content("text/plain", _TEXT),
    taken={"requestBody": _refer_3("ServiceInput")},
    number={"schema": _NUMBER},
)
