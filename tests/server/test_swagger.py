"""The description of the routes, in each version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from puncheon_server.swagger import AbsentError, Service, description

VERSIONS = {
    None: ("swagger", "2.0"),
    "2": ("swagger", "2.0"),
    "2.0": ("swagger", "2.0"),
    "3": ("openapi", "3.0.3"),
    "3.0": ("openapi", "3.0.3"),
    "3.1": ("openapi", "3.1.0"),
}
NUMBERS = {"type": "array", "items": {"type": "number"}}
WHOLE = {"type": "integer"}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(folders=(tmp_path, tmp_path / "scoring"))


@pytest.mark.parametrize(("version", "expected"), VERSIONS.items(), ids=repr)
def test_each_version_names_itself_and_the_routes(
    service: Service, version: str | None, expected: tuple[str, str]
) -> None:
    """Swagger 2.0 where none is asked for."""
    document = description(service, version)
    key, value = expected

    assert value == document[key]
    assert {"/": ["get"], "/score": ["post"], "/swagger.json": ["get"]} == {
        path: list(methods) for path, methods in document["paths"].items()
    }


@pytest.mark.parametrize("version", ["4", "", "2.1"], ids=repr)
def test_another_version_is_not_found(service: Service, version: str) -> None:
    """The message says which there are."""
    with pytest.raises(AbsentError) as told:
        description(service, version)

    assert f"Swagger version [{version}] is not valid. Supported versions: [2, 3, 3.1]." == str(told.value)


@pytest.mark.parametrize("version", ["2", "3", "3.1"])
def test_the_scripts_schemas_are_the_input_and_the_output(service: Service, version: str) -> None:
    """Where its decorators give them; else both are objects of which nothing is known."""
    schemas = {"input": NUMBERS, "output": WHOLE, "versions": ["2", "2.0", "3", "3.0", "3.1"]}

    given, not_given = description(service, version, schemas), description(service, version)

    for document, expected in ((given, [NUMBERS, WHOLE]), (not_given, [{"type": "object", "example": {}}] * 2)):
        there = document["definitions"] if version == "2" else document["components"]["schemas"]
        assert expected == [there["ServiceInput"], there["ServiceOutput"]]


def test_a_version_that_the_schemas_cannot_be_said_in_is_not_found(service: Service) -> None:
    """The message says in which they can."""
    schemas = {"input": NUMBERS, "output": WHOLE, "versions": ["3", "3.0", "3.1"]}

    with pytest.raises(AbsentError) as told:
        description(service, None, schemas)

    assert str(told.value).endswith("Supported swagger versions: [3, 3.1].")


FILES = {
    "swagger.json": (None, "2"),
    "swagger2.json": (None, "2", "2.0"),
    "swagger3.json": ("3", "3.0"),
    "swagger3.1.json": ("3.1",),
}


@pytest.mark.parametrize(("name", "versions"), FILES.items(), ids=FILES.keys())
def test_a_file_of_the_users_wins(service: Service, name: str, versions: tuple[str | None, ...]) -> None:
    """For its own version, and for no other."""
    (service.folders[0] / name).write_text(json.dumps({"mine": True}))

    mine = {version for version in VERSIONS if description(service, version) == {"mine": True}}

    assert set(versions) <= mine
    assert {{None: "2", "2.0": "2", "3.0": "3"}.get(version, version) for version in mine} == {
        {None: "2", "2.0": "2", "3.0": "3"}.get(version, version) for version in versions
    }


def test_the_older_name_comes_first(service: Service) -> None:
    """Where both lie there."""
    for name in ("swagger.json", "swagger2.json"):
        (service.folders[0] / name).write_text(json.dumps({"name": name}))

    assert {"name": "swagger.json"} == description(service, "2")


def test_a_file_beside_the_entry_script_wins_too(service: Service) -> None:
    """One in AML_APP_ROOT comes before it."""
    for folder in service.folders[::-1]:
        folder.mkdir(exist_ok=True)
        (folder / "swagger3.json").write_text(json.dumps({"in": folder.name}))
        assert {"in": folder.name} == description(service, "3")


def test_files_are_looked_for_in_the_apps_root_and_beside_the_script() -> None:
    """As the variables say."""
    environ = {"AML_APP_ROOT": "/app", "AZUREML_ENTRY_SCRIPT": "scoring/score.py"}

    assert (Path("/app"), Path("/app/scoring")) == Service.of(environ).folders


def test_a_service_has_name_version_and_prefix() -> None:
    """Quotes are only text."""
    environ = {"SERVICE_NAME": 'A "model"', "SERVICE_VERSION": "4.2", "SERVICE_PATH_PREFIX": "/one/two/"}

    document = description(Service.of(environ), None)

    assert ('A "model"', "4.2") == (document["info"]["title"], document["info"]["version"])
    assert ["/one/two/", "/one/two/score", "/one/two/swagger.json"] == list(document["paths"])
