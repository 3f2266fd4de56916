"""What is decided before anything is asked of a channel or an index."""

from __future__ import annotations

from pathlib import Path

import pytest

from puncheon.environment.channels import ChannelSource, without_credentials
from puncheon.environment.checks import import_failure
from puncheon.environment.common_names import meant
from puncheon.environment.conda_attempt import PatchPolicy, attempts
from puncheon.environment.condarc import Condarc, read_condarc
from puncheon.environment.explanation import shortened
from puncheon.environment.pip_conf import read_pip_configuration
from puncheon.environment.python_patch import nearest_patch, nearest_versions
from puncheon.environment.server import SERVER, server_requirement
from puncheon.environment.spec import EnvironmentSpec, PipOptions
from puncheon.errors import EnvironmentFileError, EnvironmentSolveError, SettingsError

AVAILABLE = ("3.10.4", "3.10.13", "3.11.2", "3.11.9", "3.12.0", "3.13.0rc1")

PATCHES = {
    "one below": ("3.11.3.*", "3.11.2"),
    "two as near: the newer": ("3.10.5.*", "3.10.4"),
    "above all": ("3.11.99.*", "3.11.9"),
    "the minor alone": ("==3.10", "3.10.4"),
    "a range in one minor": (">=3.11.5,<3.11.8", "3.11.9"),
    "a range over minors: the newest": (">=3.10,<3.12", "3.11.9"),
    "no release of that minor": ("3.9.1.*", None),
    "only a pre-release": ("3.13.1.*", None),
}


@pytest.mark.parametrize(("constraint", "expected"), PATCHES.values(), ids=PATCHES)
def test_the_nearest_patch_release_stands_in(constraint: str, expected: str | None) -> None:
    """It is one of a minor version that was asked for, and never a pre-release."""
    assert expected == nearest_patch(constraint, AVAILABLE)


def test_of_two_equally_near_patch_releases_the_newer_stands_in() -> None:
    """Its faults are fewer."""
    assert "3.11.4" == nearest_patch("3.11.3.*", ["3.11.2", "3.11.4"])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("1.2", ["1.0", "1.10"]), ("0.1", ["1.0"]), ("2", ["1.10"]), (">=5", ["1.0", "1.10"])],
    ids=["between", "below all", "above all", "no single version"],
)
def test_the_nearest_versions_are_those_around(asked: str, expected: list[str]) -> None:
    """In the order of versions, not of text."""
    assert expected == nearest_versions(asked, ["1.10", "1.0"])


LOCAL = ChannelSource("conda/channel", ("file:///kit/conda/channel",))
FORGE = ChannelSource("conda-forge", ("https://conda.anaconda.org/conda-forge",))


@pytest.mark.parametrize(
    ("local", "patch", "expected"),
    [
        (
            LOCAL,
            "nearest",
            ["local exact", "local nearest", "both exact", "both exact", "both nearest", "both nearest"],
        ),
        (LOCAL, "exact", ["local exact", "both exact", "both exact"]),
        (None, "nearest", ["forge exact", "forge nearest"]),
    ],
    ids=["local first", "exact: the others may have it", "no local channel"],
)
def test_the_local_channel_is_asked_alone_first(
    local: ChannelSource | None, patch: PatchPolicy, expected: list[str]
) -> None:
    """It answers without a network; with several channels, their order holds unless nothing fits that way."""
    names = {(LOCAL,): "local", (FORGE,): "forge", (LOCAL, FORGE): "both"}

    assert expected == [f"{names[way.channels]} {way.patch}" for way in attempts(local, [FORGE], patch)]


CHANNEL_URLS = {
    "name": ("conda-forge", ("https://mirror.example/conda-forge",)),
    "label": ("conda-forge/label/dev", ("https://mirror.example/conda-forge/label/dev",)),
    "url": ("https://a.example/b/", ("https://a.example/b",)),
    "defaults": ("defaults", ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")),
    "custom": ("acme", ("https://conda.acme.example/acme",)),
    "multichannel": ("team", ("https://conda.acme.example/acme", "https://mirror.example/bioconda")),
}


@pytest.mark.parametrize(("name", "urls"), CHANNEL_URLS.values(), ids=CHANNEL_URLS)
def test_channel_names_become_urls_as_condarc_says(name: str, urls: tuple[str, ...], tmp_path: Path) -> None:
    """Alias, custom channels and multichannels are honoured."""
    path = tmp_path / ".condarc"
    path.write_text(
        "channel_alias: https://mirror.example\n"
        "custom_channels:\n  acme: https://conda.acme.example\n"
        "custom_multichannels:\n  team: [acme, bioconda]\n"
    )

    assert urls == read_condarc(path).urls(name)


def test_without_a_condarc_channels_are_where_conda_has_them(tmp_path: Path) -> None:
    """The public servers are the default."""
    assert Condarc() == read_condarc(tmp_path / ".condarc")
    assert ("https://conda.anaconda.org/conda-forge",) == Condarc().urls("conda-forge")


def test_a_condarc_of_the_wrong_shape_is_refused(tmp_path: Path) -> None:
    """The file, line and key are named."""
    (tmp_path / ".condarc").write_text("custom_channels:\n  - acme\n")

    with pytest.raises(EnvironmentFileError) as caught:
        read_condarc(tmp_path / ".condarc")

    assert ".condarc, line 2, column 3" == caught.value.where


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://me:s3cret@a.example/c", "https://a.example/c"),
        ("https://a.example/t/t0ken/c", "https://a.example/c"),
        ("file:///kit/conda/channel", "file:///kit/conda/channel"),
        ("https://a.example:8443/team/c", "https://a.example:8443/team/c"),
    ],
    ids=["password", "token", "file", "neither"],
)
def test_credentials_are_taken_out_of_urls(url: str, expected: str) -> None:
    """What is written into the image or a log has none."""
    assert expected == without_credentials(url)


RELEASES = {
    "newest": ("", (3, 11), (), f"{SERVER}==1.5.1"),
    "newer python": ("", (3, 14), (), f"{SERVER}==1.5.1"),
    "3.8": ("", (3, 8), (), f"{SERVER}==1.3.4"),
    "3.7": ("", (3, 7), (), f"{SERVER}==0.8.4.2"),
    "version": ("1.4.1", (3, 11), (), f"{SERVER}==1.4.1"),
    "range": (">=1.4,<1.5", (3, 11), (), f"{SERVER}<1.5,>=1.4"),
    "any": ("any", (3, 11), (), f"{SERVER}>=0.8"),
    "the model's own": ("", (3, 11), ("azureml_inference_server_http==1.3.2",), None),
    "the argument beside the model's own": ("1.4.1", (3, 11), (f"{SERVER}==1.3.2",), f"{SERVER}==1.4.1"),
}


@pytest.mark.parametrize(("choice", "python", "requirements", "expected"), RELEASES.values(), ids=RELEASES)
def test_the_servers_release_follows_the_setting_the_model_and_the_python(
    choice: str, python: tuple[int, int], requirements: tuple[str, ...], expected: str | None
) -> None:
    """AZMLINFSRV_VERSION first, then the model's own pin, then the newest that runs on the Python."""
    assert expected == server_requirement(choice, python, requirements)


def test_no_release_of_the_server_runs_on_an_ancient_python() -> None:
    """The way out is a newer Python."""
    with pytest.raises(EnvironmentSolveError, match=r"runs on Python 3\.6"):
        server_requirement("", (3, 6), ())


def test_a_servers_version_must_be_one() -> None:
    """A word that is none of the forms is refused."""
    with pytest.raises(SettingsError, match="AZMLINFSRV_VERSION=latest is no version"):
        server_requirement("latest", (3, 11), ())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sklearn", "scikit-learn"),
        ("scikit_lern", "scikit-learn"),
        ("cv2", "opencv-python-headless"),
        ("panda", "pandas"),
        ("acme-scoring", None),
    ],
    ids=["import name", "slip", "import name of another", "letter missing", "a name of one's own"],
)
def test_a_slip_in_a_common_name_is_recognised(name: str, expected: str | None) -> None:
    """No index can be asked for near names; a name of one's own is nobody's slip."""
    assert expected == meant(name)


def test_an_explanation_keeps_its_conclusion() -> None:
    """Long chains of reasons lose their beginning, markers and upper bounds of no use."""
    explanation = [f"Because a{n}{{python_version < '3.9'}}>=1,<2.dev0 depends on b{n}." for n in range(5)]

    short = shortened(["No solution found when resolving dependencies", " And ".join(explanation)])

    assert "..." == short[0]
    assert "a4>=1 depends on b4." == " ".join(short[1:]).rpartition("Because ")[2]


def test_pips_configuration_is_read_as_pip_reads_it(tmp_path: Path) -> None:
    """A user's file over the machine's, [install] over [global], variables over files."""
    for folder, text in (
        (
            "etc/pip",
            "[global]\nindex-url = https://machine.example\n"
            "extra-index-url = https://one.example\n  https://two.example\n",
        ),
        ("home/.config/pip", "[global]\nindex_url = https://user.example\n[install]\npre = true\ntimeout = 60\n"),
    ):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "pip.conf").write_text(text)

    found = read_pip_configuration(
        {"HOME": str(tmp_path / "home"), "XDG_CONFIG_DIRS": str(tmp_path / "etc"), "PIP_TRUSTED_HOST": "one.example"},
        tmp_path,
    )

    expected = PipOptions(
        index_url="https://user.example",
        extra_index_urls=("https://one.example", "https://two.example"),
        trusted_hosts=("one.example",),
        pre=True,
    )
    assert (expected, {"UV_HTTP_TIMEOUT": "60"}) == (found.options, found.variables)


IMPORTS = {
    "numpy's interface": (
        {"kind": "ValueError", "message": "numpy.dtype size changed, may indicate binary incompatibility"},
        "The model's module mlflow.sklearn does not import: pandas was compiled for another numpy than the one that "
        "is installed.",
    ),
    "a missing module": (
        {"kind": "ModuleNotFoundError", "message": "No module named 'sklearn.utils'", "missing": "sklearn.utils"},
        "The model's module mlflow.sklearn needs the module sklearn, which its environment lacks.",
    ),
    "any other fault": (
        {"kind": "ImportError", "message": "cannot import name 'LogData' from 'opentelemetry.sdk._logs'"},
        "The model's module mlflow.sklearn does not import: ImportError.",
    ),
}


@pytest.mark.parametrize(("failure", "what"), IMPORTS.values(), ids=IMPORTS)
def test_a_failed_import_is_told_by_its_cause(failure: dict[str, str], what: str) -> None:
    """The traceback says where, the message says why: only the second is for the user."""
    files = ["/opt/env/lib/python3.11/site-packages/pandas/_libs/interval.pyx"]

    error = import_failure(
        {"module": "mlflow.sklearn", "missing": None, "files": files, **failure}, EnvironmentSpec("conda.yaml")
    )

    assert what == error.what
    assert error.next
