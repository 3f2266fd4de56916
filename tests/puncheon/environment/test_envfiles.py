"""`envfiles`: the tree that keys the build's cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from puncheon.__main__ import main
from puncheon.environment.spec import read_spec

MODELS = Path(__file__).parents[2] / "data" / "models"


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file's content and mode, by its path."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_model_trained_again_gives_the_same_bytes(tmp_path: Path) -> None:
    """Run ids, times, comments and the environment's name are no part of the environment."""
    for name in ("logged_by_mlflow_3", "trained_again"):
        assert 0 == main(["envfiles", str(MODELS / name), str(tmp_path / name)])

    assert tree(tmp_path / "logged_by_mlflow_3") == tree(tmp_path / "trained_again")


def test_the_tree_holds_the_environment_and_its_files(tmp_path: Path) -> None:
    """Requirements, constraints and wheels lie beside the JSON, at the places that the requirements name."""
    main(["envfiles", str(MODELS / "own_code"), str(tmp_path / "out")])

    assert [
        "constraints.txt",
        "environment.json",
        "files/wheels/extra-2.0-py3-none-any.whl",
        "files/wheels/helper-1.0-py3-none-any.whl",
        "requirements.txt",
    ] == list(tree(tmp_path / "out"))
    assert {0o644} == {mode for _, mode in tree(tmp_path / "out").values()}
    assert ("numpy<2.4",) == read_spec(tmp_path / "out").constraints


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """The tree says all that was read, but for where the files were."""
    from puncheon.environment.model_environment import read_model_environment
    from puncheon.model_folder import ModelFolder

    main(["envfiles", str(MODELS / "own_code"), str(tmp_path / "out")])
    read = read_spec(tmp_path / "out")

    written = read_model_environment(ModelFolder.read(MODELS / "own_code"))
    assert written.to_json() == read.to_json()
    assert (written.requirements, written.constraints) == (read.requirements, read.constraints)


def test_a_second_writing_replaces_the_first(tmp_path: Path) -> None:
    """Nothing of another model's environment stays behind."""
    for name in ("own_code", "logged_by_mlflow_3"):
        assert 0 == main(["envfiles", str(MODELS / name), str(tmp_path / "out")])

    assert ["environment.json", "requirements.txt"] == list(tree(tmp_path / "out"))


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The error goes to stderr, the exit code is 2, and the files stay."""
    (tmp_path / "notes.txt").write_text("mine")

    assert 2 == main(["envfiles", str(MODELS / "own_code"), str(tmp_path)])

    assert "something else." in capfd.readouterr().err
    assert [tmp_path / "notes.txt"] == list(tmp_path.iterdir())


def test_bad_input_leaves_nothing_behind(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither the output nor a temporary folder is there after an error."""
    assert 2 == main(["envfiles", str(MODELS / "bad/pip_wheel_absent"), str(tmp_path / "out")])

    assert "is not there" in capfd.readouterr().err
    assert [] == list(tmp_path.iterdir())


def test_pycache_and_links_out_of_a_source_folder_do_not_come_along(tmp_path: Path) -> None:
    """A source folder that pip is to build is brought along without what Python left in it."""
    model = tmp_path / "model"
    package = model / "code" / "helper"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__pycache__/x.cpython-311.pyc").write_bytes(b"")
    (package / "pyproject.toml").write_text("[project]\nname = 'helper'\nversion = '1.0'\n")
    (model / "MLmodel").write_text((MODELS / "bad/pip_wheel_absent/MLmodel").read_text())
    (model / "conda.yaml").write_text("dependencies: [python=3.11, pip, {pip: [./code/helper]}]\n")

    main(["envfiles", str(model), str(tmp_path / "out")])

    assert ("./files/code/helper",) == read_spec(tmp_path / "out").requirements
    assert ["environment.json", "files/code/helper/pyproject.toml", "requirements.txt"] == list(tree(tmp_path / "out"))


def test_a_folder_that_envfiles_did_not_write_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`environment --files` says how to make what it takes."""
    assert 2 == main(["environment", "--files", str(tmp_path), "--prefix", str(tmp_path / "env")])

    assert "next:  Make it with: python -m puncheon envfiles MODEL FOLDER" in capfd.readouterr().err
