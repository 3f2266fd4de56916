"""``pip``, and what conda's ``pip`` depends on, as ``noarch: python`` packages made of the package index's wheels.

MLflow logs ``pip<=X`` with the X of its day. A solver needs any version up to X, so one of each generation will do.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import Distribution
from pathlib import Path

from packaging.specifiers import SpecifierSet

from puncheon.channel.package import write_package
from puncheon.channel.record import NOARCH, PackageDescription
from puncheon.errors import ChannelError


@dataclass(frozen=True)
class Wheel:
    """A wheel on the package index, pinned by its sha256.

    Parameters
    ----------
    released
        Day of its release (ISO 8601): the time of its files, which unpacking does not keep.
    python_before
        The first Python that it no longer works on, if known.
    """

    name: str
    version: str
    released: str
    sha256: str
    python_before: str | None = None

    @property
    def timestamp(self) -> int:
        """Return the day of its release in seconds since 1970."""
        return int(datetime.fromisoformat(f"{self.released}T00:00:00+00:00").timestamp())

    @property
    def requirement(self) -> str:
        """Return the pinned requirement as pip and uv read it."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


# pip before 23.1.2 imports what Python 3.12 took away.
WHEELS = (
    Wheel("pip", "20.0.2", "2020-01-24", "4ae14a42d8adba3205ebeb38aa68cfc0b6c346e1ae2e699a0b3bad4da19cef5c", "3.12"),
    Wheel("pip", "20.3.4", "2021-01-23", "217ae5161a0e08c0fb873858806e3478c9775caffce5168b50ec885e358c199d", "3.12"),
    Wheel("pip", "21.3.1", "2021-10-22", "deaf32dcd9ab821e359cd8330786bcd077604b5c5730c0b096eda46f95c24a2d", "3.12"),
    Wheel("pip", "22.3.1", "2022-11-05", "908c78e6bc29b676ede1c4d57981d490cb892eb45cd8c214ab6298125119e077", "3.12"),
    Wheel("pip", "23.2.1", "2023-07-22", "7ccf472345f20d35bdc9d1841ff5f313260c2c33fe417f48c30ac46cccabf5be"),
    Wheel("pip", "24.0", "2024-02-03", "ba0d021a166865d2265246961bec0152ff124de910c5cc39f1156ce3fa7c69dc"),
    Wheel("pip", "24.3.1", "2024-10-27", "3790624780082365f47549d032f3770eeb2b1e8bd1f7b2e02dace1afa361b4ed"),
    Wheel("pip", "25.3", "2025-10-25", "9655943313a94722b7774661c21049070f6bbb0a1516bf02f7c8d5d9201514cd"),
    Wheel("pip", "26.3", "2026-11-02", "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"),
    # The last that every Python since 3.8 can have, and one with pkg_resources, which older models import.
    Wheel("setuptools", "75.3.2", "2025-03-12", "90ab613b6583fc02d5369cbca13ea26ea0e182d1df2d943ee9cbe81d4c61add9"),
    Wheel("setuptools", "80.9.0", "2025-05-27", "062d34222ad13e0cc312a4c02d73f059e86a4acbfbdea8f8f76b28c99f306922"),
    Wheel("wheel", "0.45.1", "2024-11-23", "708e7481cc80179af0e556bbf0cc00b8444c7321e2700b8d8580231d13017248"),
)
DEPENDS_ON = {"pip": ("setuptools", "wheel")}
"""conda-forge's pip depends on these too: environments that were logged with it hold them."""


def wheels_key(wheels: tuple[Wheel, ...] = WHEELS) -> str:
    """Return a name for this choice of wheels."""
    return hashlib.sha256(repr(wheels).encode()).hexdigest()[:8]


def make_wheel_packages(folder: Path, wheels: tuple[Wheel, ...] = WHEELS) -> None:
    """Make a package of every wheel into ``folder``.

    Raises
    ------
    ChannelError
        If the package index does not give a wheel, or gives one whose sha256 is another.
    """
    for wheel in wheels:
        with tempfile.TemporaryDirectory(prefix="puncheon-wheel-") as scratch:
            prefix = Path(scratch, "prefix")
            site_packages = prefix / "site-packages"
            unpack(wheel, site_packages, Path(scratch))
            distribution = as_conda_installs(site_packages)
            for path in prefix.rglob("*"):
                os.utime(path, (wheel.timestamp, wheel.timestamp))
            write_package(describe_wheel(wheel, distribution), prefix, folder, licenses=_licenses(site_packages))


def unpack(wheel: Wheel, site_packages: Path, scratch: Path) -> None:
    """Let uv fetch, check and unpack a wheel."""
    requirement = scratch / "requirement.txt"
    requirement.write_text(wheel.requirement + "\n")
    python = Path(sys.executable)
    uv = python.with_name("uv")
    command = [
        *(str(uv) if uv.exists() else "uv", "pip", "install", "--quiet"),
        *("--python", str(python), "--target", str(site_packages), "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--python-version", "3.11", "--link-mode", "copy"),
        *("--requirement", str(requirement)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ChannelError(
            "A wheel cannot be had from the package index.",
            where=f"{wheel.name} {wheel.version}",
            next="see that uv reaches an index (UV_INDEX_URL, UV_SYSTEM_CERTS=1 for the machine's own CA certificates)",
            detail=done.stderr.splitlines(),
        )


def as_conda_installs(site_packages: Path) -> Distribution:
    """Bring an unpacked wheel into the form that conda's own packages have and return its metadata.

    Scripts are left to the installer, which makes them from the entry points; what only an installation by uv needs
    goes; RECORD lists what is left.
    """
    (information,) = site_packages.glob("*.dist-info")
    shutil.rmtree(site_packages / "bin", ignore_errors=True)
    for stray in (".lock", f"{information.name}/REQUESTED", f"{information.name}/uv_cache.json"):
        (site_packages / stray).unlink(missing_ok=True)
    (information / "INSTALLER").write_text("conda\n")
    record = information / "RECORD"
    kept = [line for line in record.read_text().splitlines() if (site_packages / line.rsplit(",", 2)[0]).is_file()]
    # A RECORD may list a file without its hash: INSTALLER is ours now, RECORD never had one.
    plain = {f"{information.name}/{name}" for name in ("INSTALLER", "RECORD")}
    record.write_text(
        "".join(f"{line}\n" for line in kept if line.rsplit(",", 2)[0] not in plain)
        + "".join(f"{name},,\n" for name in sorted(plain))
    )
    return Distribution.at(information)


def describe_wheel(wheel: Wheel, distribution: Distribution) -> PackageDescription:
    """Return the conda record of a wheel from the wheel's own metadata.

    The lower bound of its ``Requires-Python`` is kept, at least 3.8; entry points named after one version of Python
    (``pip3.8``) are left out.
    """
    python = f"python {lowest_python(_field(distribution, 'Requires-Python'))}"
    if wheel.python_before:
        python += f",<{wheel.python_before}"
    return PackageDescription(
        name=wheel.name,
        version=wheel.version,
        subdir=NOARCH,
        depends=(python, *DEPENDS_ON.get(wheel.name, ())),
        license="MIT",
        summary=_field(distribution, "Summary"),
        home=f"https://{wheel.name}.pypa.io",
        timestamp=wheel.timestamp,
        entry_points=tuple(
            f"{point.name} = {point.value}"
            for point in distribution.entry_points
            if point.group == "console_scripts" and "." not in point.name
        ),
        extra={"wheel-sha256": wheel.sha256},
    )


def lowest_python(requires_python: str) -> str:
    """Return conda's form of a lower bound: ``>=3.9`` of ``!=3.9.0,>=3.9``; nothing below 3.8."""
    bounds = [specifier.version for specifier in SpecifierSet(requires_python) if specifier.operator == ">="]
    highest = max(tuple(map(int, bound.split("."))) for bound in [*bounds, "3.8"])
    return ">=" + ".".join(map(str, highest))


def _field(distribution: Distribution, name: str) -> str:
    return str((distribution.metadata.get_all(name) or [""])[0])


def _licenses(site_packages: Path) -> dict[str, Path]:
    found = [path for path in site_packages.glob("*.dist-info/**/*") if path.name.startswith(("LICEN", "AUTHORS"))]
    return {path.name: path for path in found if path.is_file()}
