"""build-config: a site's own configuration, put where pip, uv, conda and OpenSSL look for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts.shell import run_script

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def files_below(root: Path) -> dict[str, int]:
    return {
        str(path.relative_to(root)): path.stat().st_mode & 0o777 for path in sorted(root.rglob("*")) if path.is_file()
    }


def test_every_file_goes_to_its_standard_place(tmp_path: Path) -> None:
    """Credentials are for their owner alone, and certificates get the ending that the system asks for."""
    folder = tmp_path / "build-config"
    folder.mkdir()
    for name in ("pip.conf", "uv.toml", "netrc", ".condarc"):
        (folder / name).write_text("x\n")
    for name in ("our ca.pem", "proxy.crt"):
        (folder / name).write_text(PEM)

    done = run_script("build-config", str(folder), str(tmp_path / "root"), HOME="/root")

    assert (0, "") == (done.returncode, done.stderr)
    assert {
        "etc/pip.conf": 0o644,
        "etc/uv/uv.toml": 0o644,
        "root/.condarc": 0o600,
        "root/.netrc": 0o600,
        "usr/local/share/ca-certificates/our ca.crt": 0o644,
        "usr/local/share/ca-certificates/proxy.crt": 0o644,
    } == files_below(tmp_path / "root")
    assert 6 == len(done.stdout.splitlines())


@pytest.mark.parametrize("there", [True, False], ids=["empty", "absent"])
def test_the_folder_is_optional(tmp_path: Path, there: bool) -> None:
    """A kit without it builds as ever."""
    if there:
        (tmp_path / "build-config").mkdir()

    done = run_script("build-config", str(tmp_path / "build-config"), str(tmp_path / "root"), HOME="/root")

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
    assert not (tmp_path / "root").exists()


REFUSED = {
    "unknown": ("pip.ini", "x", "error: conda/build-config/pip.ini is none of the files that this folder may hold."),
    "binary certificate": ("ca.crt", "0\x82", "error: conda/build-config/ca.crt holds no PEM certificate."),
}


@pytest.mark.parametrize(("name", "content", "error"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_would_have_no_effect_is_refused(tmp_path: Path, name: str, content: str, error: str) -> None:
    """A slip in a name must not be found out by a time-out."""
    (tmp_path / name).write_text(content)

    done = run_script("build-config", str(tmp_path), str(tmp_path / "root"), HOME="/root")

    assert (2, error) == (done.returncode, done.stderr.splitlines()[0])
    assert done.stderr.splitlines()[1].startswith("next:  ")
