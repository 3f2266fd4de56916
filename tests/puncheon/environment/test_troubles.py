"""What users of the reference ran into, replayed with the real server and real packages from the index."""

from __future__ import annotations

import subprocess

import pytest
from packaging.version import Version

from puncheon.environment.server import SERVER as SERVER_NAME
from puncheon.environment.spec import EnvironmentSpec
from tests.puncheon.environment.building import SERVER, Builder, Built


def released(built: Built, name: str) -> Version:
    """The installed version of a distribution."""
    return Version(built.report["pip"][name])


def test_server_and_model_are_solved_in_one_go(build: Builder) -> None:
    """With the server first and MLflow second, OpenTelemetry moved on and the server no longer started."""
    built = build.pip(["mlflow-skinny==3.17.2"], *SERVER)

    assert "1.5.1" == built.report["server"]
    assert Version("1.33.0") == released(built, "opentelemetry-sdk")
    assert "azmlinfsrv import" in built.output


def test_a_model_without_serving_packages_gets_the_servers(build: Builder) -> None:
    """A model from autologging lists no server; it is installed all the same, with what it needs."""
    built = build.pip(["six==1.17.0"], *SERVER)

    assert {"flask", "gunicorn", "inference-schema", SERVER_NAME, "six"} <= set(built.report["pip"])


CAPPED = {
    "pydantic": ["pydantic==2.9.2"],
    "gunicorn": ["mlflow-skinny==2.6.0", "gunicorn<22"],
    "opentelemetry": ["opentelemetry-sdk==1.40.0"],
}


@pytest.mark.parametrize("requirements", CAPPED.values(), ids=CAPPED)
def test_a_conflict_with_the_server_names_both_and_the_way_out_works(
    build: Builder, requirements: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The build argument that the message gives makes an environment whose server starts."""
    built = build.pip(requirements, *SERVER)

    assert 2 == built.code
    assert f"`{requirements[-1]}`" in built.said("error")
    assert f"`{SERVER_NAME}==1.5.1`" in built.said("error")
    advice, _, release = built.said("next").partition("--build-arg AZMLINFSRV_VERSION=")
    assert f"{SERVER_NAME} {release} fits: " == advice

    again = Builder(tmp_path_factory.mktemp("again"), build.channel)
    followed = again.pip(requirements, *SERVER, "--server-version", release)
    assert release == followed.report["server"]


def test_a_conflict_that_no_release_of_the_server_solves_says_what_to_relax(build: Builder) -> None:
    """There may be no way out but the model's own pins."""
    built = build.pip(["gunicorn==19.9.0"], *SERVER)

    assert (
        "No release of the server fits: relax `gunicorn==19.9.0` in conda.yaml, and log the model again."
        == built.said("next")
    )


def test_a_conflict_of_the_models_own_is_not_laid_on_the_server(build: Builder) -> None:
    """The server's conflict is found first, but its removal would not help."""
    built = build.pip(["pandas==2.2.0", "numpy==1.21.0", "pydantic<2"], *SERVER)

    assert "The model's requirements conflict with each other: `numpy==1.21.0` and `pandas==2.2.0`." == built.said(
        "error"
    )


def test_the_models_own_pin_of_the_server_counts(build: Builder) -> None:
    """Who names a release of the server in conda.yaml gets that one."""
    assert "1.4.1" == build.pip([f"{SERVER_NAME}==1.4.1"], *SERVER).report["server"]


def test_a_release_of_the_server_that_there_is_not_is_named_with_the_nearest(build: Builder) -> None:
    """A slip in the build argument is told from a conflict."""
    built = build.pip(["six"], *SERVER, "--server-version", "1.3.1")

    assert f"There is no release 1.3.1 of {SERVER_NAME}. The nearest: 1.3.0 and 1.3.2." == built.said("error")


def test_the_server_follows_the_python(channel_with_3_8: Builder, build: Builder) -> None:
    """On Python 3.8 it is the last release that runs there, and it is seen to start."""
    old = Builder(build.folder, channel_with_3_8)

    built = old.pip(["six"], *SERVER, python="3.8")

    assert ("1.3.4", "3.8") == (built.report["server"], built.report["python"]["used"].rpartition(".")[0])
    assert "azmlinfsrv import" in built.output


def test_packages_compiled_for_another_numpy_fail_the_build(build: Builder) -> None:
    """An old pandas admits numpy 2 and cannot work with it: the cause is told, not the traceback."""
    spec = EnvironmentSpec(
        "conda.yaml", python="python 3.11.*", requirements=("numpy==2.0.2", "pandas==2.0.3"), imports=("pandas",)
    )

    built = build.spec(spec)

    assert (
        "The model's module pandas does not import: "
        "pandas was compiled for another numpy than the one that is installed." == built.said("error")
    )
    assert "numpy.dtype size changed" in built.said("|")
    assert "Traceback" not in built.error


def test_pip_in_the_environment_is_the_environments_own(build: Builder) -> None:
    """Packages that a user adds in a shell land in the environment, not beside another pip."""
    built = build.conda_yaml("dependencies: [python=3.11, pip]")

    where = subprocess.check_output([built.prefix / "bin/pip", "--version"], text=True)
    assert f"from {built.prefix}/lib/python3.11/site-packages/pip" in where
