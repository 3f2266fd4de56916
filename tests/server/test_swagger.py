"""The description of the routes, in each version."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask

from puncheon_server.swagger import answer


def described(version: str | None) -> tuple[int, Any]:
    with Flask("test").app_context():
        response = answer(version)
        return response.status_code, json.loads(response.get_data())


VERSIONS = {
    None: ("swagger", "2.0"),
    "2": ("swagger", "2.0"),
    "2.0": ("swagger", "2.0"),
    "3": ("openapi", "3.0.0"),
    "3.0": ("openapi", "3.0.0"),
    "3.1": ("openapi", "3.1.0"),
}


@pytest.mark.parametrize(("version", "expected"), VERSIONS.items(), ids=repr)
def test_each_version_names_itself_and_both_routes(version: str | None, expected: tuple[str, str]) -> None:
    """Swagger 2.0 where none is asked for."""
    status, document = described(version)
    key, value = expected

    assert (200, value) == (status, document[key])
    assert {"/": ["get"], "/score": ["post"]} == {path: list(methods) for path, methods in document["paths"].items()}


@pytest.mark.parametrize("version", ["4", "", "2.1"], ids=repr)
def test_another_version_is_not_found(version: str) -> None:
    """The message says which there are."""
    status, document = described(version)

    assert (404, f"Swagger version [{version}] not found. Supported versions: [2, 3, 3.1].") == (
        status,
        document["message"],
    )
