"""pip from wheels: the choice of versions, and the packages made of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import rattler
from rattler.package_streaming import extract

from puncheon.channel.index import index_channel
from puncheon.channel.pip_wheels import WHEELS, Wheel, lowest_python, make_wheel_packages, wheels_key
from puncheon.channel.store import link_or_copy
from puncheon.errors import ChannelError
from tests.puncheon.channel.conftest import pack
from tests.puncheon.channel.environments import install, solve


@pytest.fixture(scope="session")
def wheel_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All packages that are made of wheels."""
    folder = tmp_path_factory.mktemp("wheels")
    make_wheel_packages(folder)
    return folder


@pytest.fixture(scope="session")
def channel(wheel_packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A channel of these packages, and of interpreters that are no more than their records."""
    channel = tmp_path_factory.mktemp("channel")
    machine = str(rattler.Subdir.current())
    (channel / "noarch").mkdir()
    for package in wheel_packages.iterdir():
        link_or_copy(package, channel / "noarch" / package.name)
    for series in ("3.8", "3.9", "3.11", "3.12", "3.13"):
        pack(
            tmp_path_factory.mktemp("python"),
            channel / machine,
            {f"lib/python{series}/site-packages/README.txt": b""},
            name="python",
            version=f"{series}.2",
            subdir=machine,
            site_packages=f"lib/python{series}/site-packages",
        )
    index_channel(channel)
    return channel


@pytest.mark.parametrize(
    ("python", "pip", "expected"),
    [
        pytest.param("3.11", "pip<=20.0.2", "20.0.2", id="the oldest pin"),
        pytest.param("3.11", "pip<=21.2.4", "20.3.4", id="MLflow 1 with Python 3.8"),
        pytest.param("3.11", "pip<=23.2.1", "23.2.1", id="a pin that is here"),
        pytest.param("3.11", "pip<=23.3.1", "23.2.1", id="a pin between"),
        pytest.param("3.11", "pip<=26", "25.3", id="a pin on a year"),
        pytest.param("3.11", "pip", "26.3", id="no pin"),
        pytest.param("3.8", "pip<=25.0.1", "24.3.1", id="the last pip for 3.8"),
        pytest.param("3.8", "pip", "24.3.1", id="no pin, 3.8"),
        pytest.param("3.9", "pip", "25.3", id="no pin, 3.9"),
        pytest.param("3.13", "pip<=24.3.1", "24.3.1", id="3.13"),
    ],
)
def test_what_mlflow_pins_can_be_solved(channel: Path, python: str, pip: str, expected: str) -> None:
    """`pip<=X` of any year finds the newest version up to X that works on the Python of the model."""
    records = {record.name.normalized: record for record in solve(channel, f"python={python}", pip)}

    assert expected == str(records["pip"].version)
    assert {"pip", "python", "setuptools", "wheel"} == records.keys()


def test_a_pip_that_python_312_cannot_run_is_not_offered_to_it(channel: Path) -> None:
    """Its `pip<=22.3.1` has no solution, and says so at build time."""
    with pytest.raises(Exception, match="pip"):
        solve(channel, "python=3.12", "pip<=22.3.1")


def test_an_installed_wheel_is_a_python_distribution(channel: Path, tmp_path: Path) -> None:
    """Pip and uv see it with its files, as if conda had built it, and its scripts are made by the installer."""
    environment = install(channel, tmp_path / "env", "python=3.11", "pip=23.2.1")
    site_packages = environment.prefix / "lib/python3.11/site-packages"
    information = site_packages / "pip-23.2.1.dist-info"
    listed = [line.rsplit(",", 2)[0] for line in (information / "RECORD").read_text().splitlines()]

    assert "conda" == (information / "INSTALLER").read_text().strip()
    assert all((site_packages / name).is_file() for name in listed)
    assert "pip._internal.cli.main" in (environment.prefix / "bin/pip").read_text()
    assert not list(environment.prefix.glob("bin/pip3.*"))


def test_packages_carry_their_licence(wheel_packages: Path, tmp_path: Path) -> None:
    """The text goes along."""
    (package,) = wheel_packages.glob("pip-23.2.1-*")
    extract(package, tmp_path)

    assert "Copyright" in (tmp_path / "info/licenses/LICENSE.txt").read_text()


def test_another_wheel_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    """An index that gives something else stops the work, and nothing is left."""
    wheel = Wheel("wheel", "0.45.1", "2024-11-23", "0" * 64)
    with pytest.raises(ChannelError) as raised:
        make_wheel_packages(tmp_path, (wheel,))

    assert "wheel 0.45.1" == raised.value.where
    assert "ash" in raised.value.report()
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("requires_python", "expected"),
    [
        pytest.param("", ">=3.8", id="none"),
        pytest.param(">=2.7,!=3.0.*,!=3.1.*", ">=3.8", id="Python 2"),
        pytest.param(">=3.10", ">=3.10", id="newer"),
        pytest.param("!=3.9.0,>=3.9", ">=3.9", id="with a hole"),
    ],
)
def test_lower_bounds_are_condas(requires_python: str, expected: str) -> None:
    """A wheel's own bound holds, in numbers and not in letters."""
    assert expected == lowest_python(requires_python)


def test_another_choice_has_another_key() -> None:
    """A cache of other versions is not taken for this one."""
    assert wheels_key() != wheels_key(WHEELS[1:])
