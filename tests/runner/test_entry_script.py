"""Loading an entry script, and what it may have beside ``init`` and ``run``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from puncheon_runner.entry_script import EntryScript, ScriptError, load
from puncheon_runner.protocol import Request
from tests.runner.running import write_script

NOTHING = Request(b"", b"")


def run_plain(data: str) -> str:
    return data


PLAIN = ["def init(): pass", "def run(data): return data"]


@pytest.fixture(autouse=True)
def _imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test adds to sys.path and sys.modules goes with it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", sys.modules)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_script_has_init_and_run(tmp_path: Path) -> None:
    """Neither is called by loading."""
    script = load(
        write_script(tmp_path, "called = []", "def init(): called.append(1)", "def run(data): return called"), []
    )

    assert [] == script.call(NOTHING)
    script.init()
    assert [1] == script.call(NOTHING)


@pytest.mark.parametrize("missing", ["init", "run"])
def test_a_script_without_one_of_them_is_refused(tmp_path: Path, missing: str) -> None:
    """The message names the file and the function."""
    path = write_script(tmp_path, *(line for line in PLAIN if f"def {missing}" not in line))

    with pytest.raises(ScriptError, match=rf"main\.py has no function {missing}\(\)"):
        load(path, [])


@pytest.mark.parametrize("value", ["init = 1", "run = None"])
def test_what_cannot_be_called_is_no_function(tmp_path: Path, value: str) -> None:
    """A name alone is not enough."""
    with pytest.raises(ScriptError, match="has no function"):
        load(write_script(tmp_path, *PLAIN, value), [])


def test_a_missing_file_is_told_with_what_is_there(tmp_path: Path) -> None:
    """The folder's content, or that there is no folder."""
    (tmp_path / "score.py").touch()

    with pytest.raises(ScriptError, match=r"holds: score\.py"):
        load(tmp_path / "main.py", [])
    with pytest.raises(ScriptError, match="holds: nothing"):
        load(tmp_path / "nowhere/main.py", [])


def test_a_folder_or_another_file_is_no_script(tmp_path: Path) -> None:
    """Named ``.py`` or not."""
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "script.txt").write_text("x = 1")

    for name in ("folder.py", "script.txt"):
        with pytest.raises(ScriptError):
            load(tmp_path / name, [])


def test_a_scripts_own_errors_pass_through(tmp_path: Path) -> None:
    """As they are, for the log."""
    with pytest.raises(ZeroDivisionError):
        load(write_script(tmp_path, "1 / 0"), [])


def test_modules_beside_it_and_in_the_folders_are_found(tmp_path: Path) -> None:
    """The folders first."""
    for folder in ("source", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "puncheon_test_where.py").write_text(f"NAME = {folder!r}")
    (tmp_path / "puncheon_test_beside.py").write_text("NAME = 'beside'")
    path = write_script(
        tmp_path, "import puncheon_test_beside, puncheon_test_where", "def init(): pass", "def run(data):",
        "    return [puncheon_test_beside.NAME, puncheon_test_where.NAME]",
    )  # fmt: skip

    assert ["beside", "source"] == load(path, [tmp_path / "source", tmp_path / "other"]).call(NOTHING)


def test_dataclasses_and_pickles_find_the_script(tmp_path: Path) -> None:
    """It is in sys.modules while it is imported."""
    path = write_script(
        tmp_path, "from __future__ import annotations", "import dataclasses, pickle", "from typing import ClassVar",
        "@dataclasses.dataclass", "class Row:", "    a: int", "    limit: ClassVar[int] = 1",
        "def init(): pass", "def run(data): return pickle.loads(pickle.dumps(Row(2))).a",
    )  # fmt: skip

    assert 2 == load(path, []).call(NOTHING)


def test_without_a_batch_form_it_cannot_batch() -> None:
    """``prepare`` alone makes none."""
    script = EntryScript(SimpleNamespace(__file__="", init=id, run=run_plain, prepare=id))

    assert not script.can_batch
    script.warm_up()


def test_without_prepare_all_requests_share() -> None:
    """As text, one row each."""
    script = EntryScript(SimpleNamespace(__file__="", init=id, run=run_plain, run_batch=lambda items: list(items)))

    assert ("", "a", 1) == tuple(script.prepare("a"))
    assert not script.prepares
    assert ["a", "b"] == script.run_batch(["a", "b"])


def test_what_asks_for_more_than_text_cannot_batch() -> None:
    """A batch form takes bodies alone."""
    module = SimpleNamespace(__file__="", init=id, run=lambda data, request_headers: 0, run_batch=list)

    assert EntryScript(SimpleNamespace(**{**vars(module), "run": run_plain})).can_batch
    assert not EntryScript(module).can_batch


def test_a_driver_script_stands_before_the_real_one() -> None:
    """Its own init() is called, and the real script's run()."""
    driven = ModuleType("score")
    driven.run = lambda data: ["real", data]  # type: ignore[attr-defined]
    module = SimpleNamespace(__file__="", init=list, run=lambda data: ["driver"], driver_module=driven)

    script = EntryScript(module)

    assert ["real", ""] == script.call(NOTHING)
    assert script.init is list


def test_the_http_side_is_told_how_it_is_called() -> None:
    """And what it has borrowed."""
    facts = EntryScript(SimpleNamespace(__file__="", init=id, run=run_plain)).facts()

    assert {"call": "text", "needs_head": False, "fallback": [], "schemas": None} == {
        name: facts[name] for name in ("call", "needs_head", "fallback", "schemas")
    }
    assert not facts["can_batch"]


ANSWERS: dict[str, tuple[Any, bool]] = {
    "a tuple": ((1, 2), True),
    "a generator": ((number for number in (1, 2)), True),
    "too few": ([1], False),
    "too many": ([1, 2, 3], False),
}


@pytest.mark.parametrize(("answers", "fits"), ANSWERS.values(), ids=ANSWERS.keys())
def test_a_batch_form_gives_an_answer_to_each(answers: Any, fits: bool) -> None:
    """As a list or what makes one."""
    script = EntryScript(SimpleNamespace(__file__="", init=id, run=run_plain, run_batch=lambda items: answers))

    if fits:
        assert [1, 2] == script.run_batch(["a", "b"])
    else:
        with pytest.raises(ValueError, match="answers to 2 requests"):
            script.run_batch(["a", "b"])
