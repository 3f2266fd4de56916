"""The pip half: uv on small wheels, and what is said when it fails."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path, PurePosixPath

import pytest

from puncheon.channel.index import index_channel
from puncheon.environment.spec import EnvironmentSpec
from tests.puncheon.channel.conftest import pack
from tests.puncheon.environment.building import NOWHERE, SERVER, Builder, wheel


@pytest.fixture
def index(build: Builder) -> list[str]:
    """Lines that make a folder of small wheels the only index."""
    folder = build.folder / "wheels"
    wheel(folder, "alpha", "1.0", ["beta<2"])
    wheel(folder, "alpha", "1.5", ["beta<2"])
    wheel(folder, "beta", "1.0")
    wheel(folder, "beta", "2.0")
    wheel(folder, "gamma", "1.0", ["beta>=2"])
    return ["--no-index", "--find-links wheels"]


def test_the_best_version_is_installed_with_its_requirements(build: Builder, index: list[str]) -> None:
    """What is installed is in the report, with pip's dependencies."""
    assert {"alpha": "1.5", "beta": "1.0"} == build.pip([*index, "alpha"]).report["pip"]


def test_a_wheel_beside_the_file_is_installed(build: Builder, index: list[str]) -> None:
    """A relative wheel needs no index of its own."""
    report = build.pip([*index, "./wheels/gamma-1.0-py3-none-any.whl"]).report

    assert {"gamma": "1.0", "beta": "2.0"} == report["pip"]


def test_constraints_hold(build: Builder, index: list[str]) -> None:
    """`-c` keeps a version down without asking for the package."""
    (build.folder / "pins.txt").write_text("alpha<1.2\n")

    assert "1.0" == build.pip([*index, "-c pins.txt", "alpha"]).report["pip"]["alpha"]


@pytest.mark.parametrize("line", ["tool", "./wheels/tool-1.0-py3-none-any.whl"], ids=["by name", "by file"])
def test_bytecode_of_what_serves_is_compiled(build: Builder, index: list[str], line: str) -> None:
    """The image's processes cannot write it; test suites, and what does not compile, are left as they are."""
    modules = {"tool/__init__.py": "", "tool/tests/__init__.py": "", "tool/template.py": "{{ name }} = 1\n"}
    wheel(build.folder / "wheels", "tool", "1.0", modules=modules)

    built = build.pip([*index, line])

    compiled = built.prefix.rglob("site-packages/tool/**/*.pyc")
    assert (0, ["__init__.cpython-311.pyc"]) == (built.code, [path.name for path in compiled])


def test_nothing_stays_of_downloads(build: Builder, index: list[str]) -> None:
    """Beside the environment there is no cache, and its files are its own."""
    built = build.pip([*index, "beta"])

    assert ["env"] == [path.name for path in (build.folder / "opt").iterdir()]
    assert 0 == built.code


def fault(build: Builder, index: list[str], *lines: str, python: str = "3.11") -> tuple[str, str]:
    """Return what is wrong and where, of requirements that must fail and leave nothing."""
    built = build.pip([*index, *lines], python=python)
    assert (2, False) == (built.code, built.prefix.exists())
    assert len(built.error.splitlines()) <= 24
    return built.said("error"), built.said("where")


def test_a_version_that_no_index_has_is_named_with_the_nearest(build: Builder, index: list[str]) -> None:
    """The release just below and the one just above."""
    expected = ("No index has alpha 1.2. The nearest: 1.0 and 1.5.", "conda.yaml: alpha==1.2")
    assert expected == fault(build, index, "alpha==1.2")


def test_a_name_that_no_index_has_is_named_with_what_was_meant(build: Builder, index: list[str]) -> None:
    """A slip in a common name is recognised."""
    expected = ("No index has a package sklern. Did you mean scikit-learn?", "conda.yaml: sklern")
    assert expected == fault(build, index, "sklern")


def test_requirements_that_exclude_each_other_are_both_named(build: Builder, index: list[str]) -> None:
    """The two lines of the model's file are in the first line of the message."""
    expected = (
        "The model's requirements conflict with each other: `alpha==1.5` and `gamma==1.0`.",
        "conda.yaml, pip's requirements",
    )
    assert expected == fault(build, index, "alpha==1.5", "gamma==1.0")


def test_a_silent_index_is_named(build: Builder) -> None:
    """The address that does not answer, and where another one is configured."""
    built = build.pip([f"--index-url {NOWHERE}/simple", "alpha"], UV_HTTP_RETRIES="0")

    assert f"The package index does not answer: {NOWHERE}/simple/alpha/." == built.said("error")
    assert "conda/build-config/" in built.said("next")


def test_credentials_in_an_index_url_are_not_shown(build: Builder) -> None:
    """Errors go to logs that many people read."""
    built = build.pip(["--index-url http://me:s3cret@127.0.0.1:9/simple", "alpha"], UV_HTTP_RETRIES="0")

    assert 2 == built.code
    assert "s3cret" not in built.error + built.output


def test_a_variable_that_the_build_lacks_is_named(build: Builder) -> None:
    """Where pip would expand ${TOKEN} to nothing, the index's answer would be a riddle."""
    built = build.pip(["--index-url https://me:${FEED_TOKEN}@packages.example/simple", "alpha"])

    assert built.said("error").endswith("needs the variable FEED_TOKEN, which the build does not have.")


def test_what_cannot_be_built_is_said_so(build: Builder, index: list[str]) -> None:
    """A source folder whose build fails ends with the build's own last words."""
    (build.folder / "broken").mkdir()
    (build.folder / "broken/pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        "[project]\nname = 'broken'\nversion = '1.0'\n"
    )
    (build.folder / "broken/backend.py").write_text(
        "def build_wheel(*a, **k):\n    raise SystemExit('no compiler here')\n"
    )

    built = build.pip([*index, "./broken"])

    assert "has no wheel for this Python and platform, and cannot be built." in built.said("error")
    assert "no compiler here" in built.said("|")


@pytest.mark.parametrize(("right", "code"), [(True, 0), (False, 2)], ids=["right", "wrong"])
def test_hashes_are_required_where_the_file_has_them(build: Builder, index: list[str], right: bool, code: int) -> None:
    """A wheel that is not the one that was locked is refused."""
    content = (build.folder / "wheels/beta-1.0-py3-none-any.whl").read_bytes() if right else b"another"
    digest = hashlib.sha256(content).hexdigest()
    (build.folder / "locked.txt").write_text(f"beta==1.0 \\\n    --hash=sha256:{digest}\n")

    built = build.pip([*index, "-r locked.txt"])

    assert code == built.code
    assert right or "A package is not the one whose hash is written." == built.said("error")


def test_hashes_of_the_model_are_verified_beside_a_server_without(build: Builder, index: list[str]) -> None:
    """A locked model is served too: its own packages are verified, and the report says whose are not."""
    digest = hashlib.sha256((build.folder / "wheels/beta-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    (build.folder / "locked.txt").write_text(f"beta==1.0 --hash=sha256:{digest}\n")

    report = build.pip(["--find-links wheels", "-r locked.txt"], *SERVER).report

    assert ("1.0", "1.5.1") == (report["pip"]["beta"], report["server"])
    assert ["conda.yaml has hashes, and the server none: only those that are there count"] == report["warnings"]


def test_a_module_that_the_flavor_needs_is_named(build: Builder) -> None:
    """The model's flavor, the module, and what to add."""
    spec = EnvironmentSpec("conda.yaml", python="python 3.11.*", conda=("pip",), imports=("mlflow.sklearn",))

    built = build.spec(spec)

    assert "The model's module mlflow.sklearn needs the module mlflow, which its environment lacks." == built.said(
        "error"
    )
    assert built.said("next").startswith("Add mlflow to `pip:` in conda.yaml")


def test_a_module_that_ends_the_interpreter_is_reported(build: Builder, index: list[str]) -> None:
    """A crash in compiled code has no traceback: the exit code is said."""
    wheel(build.folder / "wheels", "crash", "1.0", modules={"crash.py": "import os\nos.abort()\n"})
    (build.folder / "conda.yaml").write_text("")
    spec = EnvironmentSpec(
        "conda.yaml",
        python="python 3.11.*",
        requirements=("./files/crash-1.0-py3-none-any.whl",),
        imports=("crash",),
        files={PurePosixPath("files/crash-1.0-py3-none-any.whl"): build.folder / "wheels/crash-1.0-py3-none-any.whl"},
    )

    built = build.spec(spec)

    assert "Python ends with code -6 while it imports crash." == built.said("error")


@pytest.fixture(scope="module")
def channel_with_tool(channel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A channel whose package `tool` is a Python distribution that requires beta<2, as conda-built ones are."""
    folder = tmp_path_factory.mktemp("channel") / "channel"
    shutil.copytree(channel, folder)
    info = "site-packages/tool-1.0.dist-info"
    files = {
        "site-packages/tool.py": b"",
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tool\nVersion: 1.0\nRequires-Dist: beta<2\n",
        f"{info}/INSTALLER": b"conda\n",
        f"{info}/RECORD": b"",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nTag: py3-none-any\n",
    }
    scratch = tmp_path_factory.mktemp("scratch")
    pack(scratch, folder / "noarch", files, name="tool", subdir="noarch", depends=("python",))
    index_channel(folder)
    return folder


def test_pips_half_must_agree_with_condas(build: Builder, channel_with_tool: Path, index: list[str]) -> None:
    """A distribution from conda that pip's half broke stops the build, with both names."""
    lines = "".join(f"      - {line}\n" for line in (*index, "gamma"))
    built = Builder(build.folder, channel_with_tool).conda_yaml(
        f"dependencies:\n  - python=3.11\n  - tool\n  - pip:\n{lines}"
    )

    assert "The installed packages do not agree with each other." == built.said("error")
    assert "The package `tool` requires `beta<2`, but `2.0` is installed" == built.said("|")


def test_what_is_wrong_among_condas_own_packages_is_a_warning(build: Builder, channel_with_tool: Path) -> None:
    """conda-built distributions may name requirements that their package has in another form."""
    built = Builder(build.folder, channel_with_tool).conda_yaml("dependencies: [python=3.11, tool]")

    assert ["The package `tool` requires `beta<2`, but it's not installed"] == built.report["warnings"]


def test_a_servers_version_that_is_none_is_refused(build: Builder) -> None:
    """AZMLINFSRV_VERSION takes a version, a range, or any."""
    built = build.conda_yaml("dependencies: [python=3.11]", *SERVER, "--server-version", "newest")

    assert "AZMLINFSRV_VERSION=newest is no version." == built.said("error")
