"""Which files make up the python package."""

from __future__ import annotations

from pathlib import Path

import pytest

from puncheon.channel.trim import copy_python, is_part_of_python, trim


@pytest.mark.parametrize(
    "path",
    [
        "bin/python3.11",
        "bin/python3",
        "bin/python3.11-config",
        "bin/pydoc3",
        "include/python3.11/Python.h",
        "lib/libpython3.11.so.1.0",
        "lib/libpython3.so",
        "lib/pkgconfig/python-3.11-embed.pc",
        "lib/python3.11/os.py",
        "lib/python3.11/__pycache__/os.cpython-311.pyc",
        "lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so",
        "lib/python3.11/lib-dynload/_uuid.cpython-311-x86_64-linux-gnu.so",
        "lib/python3.11/venv/__init__.py",
        "lib/python3.11/unittest/mock.py",
        "lib/python3.11/doctest.py",
        "lib/python3.11/config-3.11-x86_64-linux-gnu/Makefile",
        "lib/python3.11/site-packages/README.txt",
    ],
)
def test_the_interpreter_and_its_library_are_kept(path: str) -> None:
    """Headers, Makefile and venv among them: packages can be compiled and environments made."""
    assert is_part_of_python(path, "3.11")


@pytest.mark.parametrize(
    "path",
    [
        "bin/pip3.11",
        "bin/idle3",
        "bin/python3.12",
        "lib/libssl.so.3",
        "lib/libpython3.11.a",
        "lib/python3.12/os.py",
        "lib/python3x11/os.py",
        "lib/python3.11/test/test_os.py",
        "lib/python3.11/sqlite3/test/dbapi.py",
        "lib/python3.11/lib2to3/tests/data/bom.py",
        "lib/python3.11/idlelib/idle.py",
        "lib/python3.11/tkinter/__init__.py",
        "lib/python3.11/turtle.py",
        "lib/python3.11/__pycache__/turtle.cpython-311.pyc",
        "lib/python3.11/__pycache__/os.cpython-311.opt-2.pyc",
        "lib/python3.11/ensurepip/_bundled/pip-23.2.1-py3-none-any.whl",
        "lib/python3.11/lib-dynload/_tkinter.cpython-311-x86_64-linux-gnu.so",
        "lib/python3.11/lib-dynload/_testcapi.cpython-311-x86_64-linux-gnu.so",
        "lib/python3.11/lib-dynload/nis.cpython-311-x86_64-linux-gnu.so",
        "lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11.a",
        "lib/python3.11/config-3.11-x86_64-linux-gnu/python.o",
        "lib/python3.11/site-packages/numpy/__init__.py",
        "share/doc/readme",
    ],
)
def test_all_else_is_left_out(path: str) -> None:
    """Tests, Tk, static libraries, bundled wheels, and what others installed into the same prefix."""
    assert not is_part_of_python(path, "3.11")


def test_shared_libraries_beside_the_interpreter_survive_trimming(tmp_path: Path) -> None:
    """They were put there for it."""
    for name in ("lib/libssl.so.3", "lib/python3.11/os.py", "lib/python3.11/test/test_os.py", "share/doc/readme"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    trim(tmp_path, "3.11")

    assert ["lib/libssl.so.3", "lib/python3.11/os.py"] == sorted(
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    )


def test_links_out_of_an_installation_are_followed(tmp_path: Path) -> None:
    """A link to a place outside would dangle wherever the package is installed."""
    (tmp_path / "elsewhere").write_text("text")
    library = tmp_path / "source/lib/python3.11"
    library.mkdir(parents=True)
    (library / "outside.py").symlink_to(tmp_path / "elsewhere")
    (library / "inside.py").symlink_to("outside.py")
    copy_python(tmp_path / "source", tmp_path / "target", "3.11")
    copied = tmp_path / "target/lib/python3.11"

    assert not (copied / "outside.py").is_symlink()
    assert "text" == (copied / "outside.py").read_text()
    assert "outside.py" == str((copied / "inside.py").readlink())
