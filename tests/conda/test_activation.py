"""What activating and deactivating change, decided without a shell; expected values are real conda's."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from conda_front.activation import Change, activate, deactivate, reactivate, settle
from conda_front.prefixes import Root

SYSTEM = "/usr/bin:/bin"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """base, one and two, without packages."""
    for prefix in (tmp_path, tmp_path / "envs" / "one", tmp_path / "envs" / "two"):
        (prefix / "conda-meta").mkdir(parents=True)
    return Root(str(tmp_path))


def image(root: Root, **more: str) -> dict[str, str]:
    """Return an environment in which ``one`` is active as the image's ENV makes it."""
    one = root.locate("one")
    return {
        "CONDA_SHLVL": "2",
        "CONDA_PREFIX": one,
        "CONDA_PREFIX_1": root.path,
        "CONDA_DEFAULT_ENV": "one",
        "CONDA_PROMPT_MODIFIER": "(one) ",
        "PATH": f"{one}/bin:{root.path}/condabin:{one}/bin:{SYSTEM}",
        **more,
    }


def after(change: Change, environment: Mapping[str, str]) -> dict[str, str]:
    """Carry a change out on a dictionary; emptied variables count as absent."""
    changed = {**environment, **change.first}
    changed = {name: value for name, value in changed.items() if name not in change.unset}
    changed.update(change.export)
    if change.prompt is not None:
        changed["PS1"] = change.prompt
    return {name: value for name, value in changed.items() if value}


def variables(root: Root, name: str, **values: str) -> None:
    state = Path(root.locate(name)) / "conda-meta" / "state"
    state.write_text(json.dumps({"version": 1, "env_vars": values}))


def test_the_first_activation_puts_condabin_on_path(root: Root) -> None:
    """Level 1, with the environment before condabin before the system."""
    found = after(activate({"PATH": SYSTEM}, root, root.locate("one")), {"PATH": SYSTEM})

    assert {
        "PATH": f"{root.path}/envs/one/bin:{root.path}/condabin:{SYSTEM}",
        "CONDA_SHLVL": "1",
        "CONDA_PREFIX": f"{root.path}/envs/one",
        "CONDA_DEFAULT_ENV": "one",
        "CONDA_PROMPT_MODIFIER": "(one) ",
        "CONDA_EXE": f"{root.path}/bin/conda",
        "CONDA_PYTHON_EXE": f"{root.path}/bin/python",
    } == found


def test_activating_replaces_the_first_entry_and_remembers_the_prefix(root: Root) -> None:
    """In the image's state PATH keeps its length; the level rises."""
    found = after(activate(image(root), root, root.locate("two")), image(root))

    assert f"{root.path}/envs/two/bin:{root.path}/condabin:{root.path}/envs/one/bin:{SYSTEM}" == found["PATH"]
    assert ("3", root.locate("one"), root.path) == (
        found["CONDA_SHLVL"],
        found["CONDA_PREFIX_2"],
        found["CONDA_PREFIX_1"],
    )


def test_stacking_keeps_the_previous_environment_on_path(root: Root) -> None:
    """``--stack`` puts the new one before it and says so for the way back."""
    found = after(activate(image(root), root, root.locate("two"), stack=True), image(root))

    assert f"{root.path}/envs/two/bin:{image(root)['PATH']}" == found["PATH"]
    assert "true" == found["CONDA_STACKED_3"]


def test_activating_the_active_one_is_to_reactivate(root: Root) -> None:
    """The level does not rise."""
    assert reactivate(image(root), root) == activate(image(root), root, root.locate("one"))


def test_deactivating_goes_back_to_base(root: Root) -> None:
    """From the image's state the next level below is base."""
    found = after(deactivate(image(root), root), image(root))

    assert f"{root.path}/bin:{root.path}/condabin:{root.path}/envs/one/bin:{SYSTEM}" == found["PATH"]
    assert ("1", root.path, "base") == (found["CONDA_SHLVL"], found["CONDA_PREFIX"], found["CONDA_DEFAULT_ENV"])
    assert "CONDA_PREFIX_1" not in found


def test_deactivating_the_last_one_leaves_nothing_active(root: Root) -> None:
    """Level 0; conda's own variables are empty; a further one changes nothing."""
    start = {"PATH": f"{root.path}/condabin:{SYSTEM}"}
    active = after(activate(start, root, root.path), start)

    found = after(deactivate(active, root), active)

    assert {**start, "CONDA_SHLVL": "0"}.items() <= found.items()
    assert "CONDA_PREFIX" not in found
    assert Change() == deactivate(found, root)


STEPS = ("one", "two", "base", "--stack one", "--stack two")


@pytest.mark.parametrize("steps", list(itertools.product(STEPS, repeat=3)), ids=", ".join)
def test_as_many_steps_back_lead_to_where_one_was(root: Root, steps: tuple[str, ...]) -> None:
    """Whatever is activated, deactivating restores PATH, LD_LIBRARY_PATH, the prompt and all variables of conda."""
    variables(root, "one", SHARED="of one", ONE="1")
    variables(root, "two", SHARED="of two", TWO="2")
    start = image(root, PS1="(one) $ ", LD_LIBRARY_PATH=f"{root.path}/envs/one/lib:", SHARED="of one", ONE="1")
    passed = [start]
    for step in steps:
        *options, name = step.split()
        now = passed[-1]
        changed = after(activate(now, root, root.locate(name), stack=bool(options)), now)
        if changed["CONDA_SHLVL"] != now["CONDA_SHLVL"]:
            passed.append(changed)

    back = passed.pop()
    while passed:
        back = without_conda_itself(after(deactivate(back, root), back))
        assert without_conda_itself(passed.pop()) == back


def without_conda_itself(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in ("CONDA_EXE", "CONDA_PYTHON_EXE")}


def test_variables_of_the_environment_hide_and_give_back(root: Root) -> None:
    """A variable of ``conda-meta/state`` is set while the environment is active; the hidden value returns."""
    variables(root, "two", THREADS="4", TAKEN_BACK="***unset***", PATH="/evil", NEW="it's")
    start = image(root, THREADS="16")

    active = after(activate(start, root, root.locate("two")), start)
    back = after(deactivate(active, root), active)

    assert ("4", "it's") == (active["THREADS"], active["NEW"])
    assert "TAKEN_BACK" not in active
    assert "/evil" not in active["PATH"]
    assert "16" == back["THREADS"]
    assert "NEW" not in back


def test_the_libraries_path_follows_path_where_it_is_set(root: Root) -> None:
    """Another environment's Python must not load this one's libpython."""
    start = image(root, LD_LIBRARY_PATH=f"{root.path}/envs/one/lib:")

    active = after(activate(start, root, root.locate("two")), start)

    assert f"{root.path}/envs/two/lib:" == active["LD_LIBRARY_PATH"]
    assert start["LD_LIBRARY_PATH"] == after(deactivate(active, root), active)["LD_LIBRARY_PATH"]
    assert "LD_LIBRARY_PATH" not in activate(image(root), root, root.locate("two")).export


def test_settling_does_not_overrule_the_operator(root: Root) -> None:
    """At the start of a container ``docker run -e`` wins over the model's own variables, and is what comes back."""
    variables(root, "one", THREADS="4", NEW="1")
    start = image(root, THREADS="16")

    settled = after(settle(start, root.locate("one")), start)

    assert ("16", "1") == (settled["THREADS"], settled["NEW"])
    assert "16" == after(deactivate(settled, root), settled)["THREADS"]


def test_scripts_run_in_order_and_backwards(root: Root) -> None:
    """activate.d by name, deactivate.d against it; only ``*.sh``."""
    for folder, name in itertools.product(("activate.d", "deactivate.d"), ("b.sh", "a.sh", "c.fish")):
        script = Path(root.locate("one")) / "etc" / "conda" / folder / name
        script.parent.mkdir(parents=True, exist_ok=True)
        script.touch()

    change = reactivate(image(root), root)

    assert ["a.sh", "b.sh"] == [Path(script).name for script in change.activate]
    assert ["b.sh", "a.sh"] == [Path(script).name for script in change.deactivate]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("$ ", "(two) $ "),
        ("(one) it's $ ", "(two) it's $ "),
        ("\\u (one) $ ", "(two) \\u $ "),
        ("", None),
        ("$POWERLINE_COMMAND", None),
    ],
)
def test_the_prompt_shows_the_environment(root: Root, prompt: str, expected: str | None) -> None:
    """The old modifier goes, the new one comes first; where there is no prompt none is made."""
    assert expected == activate(image(root, PS1=prompt), root, root.locate("two")).prompt


def test_a_prefix_elsewhere_is_shown_by_its_path(root: Root, tmp_path: Path) -> None:
    """Environments outside ``envs`` have no name."""
    prefix = tmp_path / "elsewhere"
    (prefix / "conda-meta").mkdir(parents=True)

    export = activate(image(root), root, root.locate(f"{prefix}/")).export

    assert (str(prefix), f"({prefix}) ") == (export["CONDA_DEFAULT_ENV"], export["CONDA_PROMPT_MODIFIER"])
