"""What activating and deactivating change in an environment: decided here, carried out by shells.

The rules are conda's: ``CONDA_SHLVL`` counts activations, ``CONDA_PREFIX_<n>`` remembers the prefix of level n,
``CONDA_STACKED_<n>`` marks a level whose PATH stands before the previous one's, and ``__CONDA_SHLVL_<n>_<NAME>`` keeps
the value that a prefix's own variable hides.  Conda empties its own variables and does not unset them, because scripts
under ``set -u`` read them; an empty one counts as absent here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from conda_front.prefixes import Root, scripts, variables

LIBRARIES = "LD_LIBRARY_PATH"
"""The image puts ``<prefix>/lib`` of the active environment here; where it is set, it follows PATH."""


@dataclass(frozen=True)
class Change:
    """What a shell has to do, in this order."""

    first: Mapping[str, str] = field(default_factory=dict)
    """Variables to export before anything else."""
    deactivate: tuple[str, ...] = ()
    """Scripts to source while the old environment is still there."""
    unset: tuple[str, ...] = ()
    prompt: str | None = None
    """The new PS1, where there is a prompt."""
    export: Mapping[str, str] = field(default_factory=dict)
    activate: tuple[str, ...] = ()
    """Scripts to source in the new environment."""


def activate(environment: Mapping[str, str], root: Root, prefix: str, *, stack: bool = False) -> Change:
    """Return the change that makes ``prefix`` active; with ``stack`` the previous one stays on PATH behind it."""
    level = level_of(environment)
    old = environment.get("CONDA_PREFIX", "")
    if level > 0 and old == prefix:
        return reactivate(environment, root)
    own = variables(prefix)
    export = {
        **_paths(environment, "" if stack or level == 0 else old, prefix),
        "CONDA_PREFIX": prefix,
        "CONDA_SHLVL": str(level + 1),
        "CONDA_DEFAULT_ENV": root.shown_name(prefix),
        "CONDA_PROMPT_MODIFIER": modifier(root, prefix),
        **own,
        **hidden(environment, level, own),
        **_conda_itself(root),
    }
    condabin = os.path.join(root.path, "condabin")
    if level == 0 and not any(entry.endswith("condabin") for entry in export["PATH"].split(":")):
        first, *rest = export["PATH"].split(":")
        export["PATH"] = ":".join([first, condabin, *rest])
    deactivate_scripts: tuple[str, ...] = ()
    if level > 0:
        export[f"CONDA_PREFIX_{level}"] = old
        if stack:
            export[f"CONDA_STACKED_{level + 1}"] = "true"
        else:
            deactivate_scripts = tuple(scripts(old, "deactivate.d")) if old else ()
    return Change(
        deactivate=deactivate_scripts,
        prompt=prompt(environment, export["CONDA_PROMPT_MODIFIER"]),
        export=export,
        activate=tuple(scripts(prefix, "activate.d")),
    )


def deactivate(environment: Mapping[str, str], root: Root) -> Change:
    """Return the change that goes one level back; nothing, where no environment is active."""
    level = level_of(environment)
    old = environment.get("CONDA_PREFIX", "")
    if level < 1 or not old:
        return Change()
    # Without the prefix of the level below (a broken environment) there is only "nothing active" to go back to.
    new = environment.get(f"CONDA_PREFIX_{level - 1}", "") if level > 1 else ""
    stacked = environment.get(f"CONDA_STACKED_{level}", "")
    emptied = [f"CONDA_PREFIX_{level - 1}"] if level > 1 else []
    emptied += [f"CONDA_STACKED_{level}"] if stacked else []
    emptied += [] if new else ["CONDA_PREFIX", "CONDA_DEFAULT_ENV", "CONDA_PROMPT_MODIFIER"]
    now_modifier = modifier(root, new) if new else ""
    export = {**dict.fromkeys(emptied, ""), "CONDA_SHLVL": str(level - 1 if new else 0), **_conda_itself(root)}
    unset = []
    if new:
        export["CONDA_PREFIX"] = new
        export["CONDA_DEFAULT_ENV"] = root.shown_name(new)
        export["CONDA_PROMPT_MODIFIER"] = now_modifier
        export.update(variables(new))
    for name in variables(old):
        kept = f"__CONDA_SHLVL_{level - 1}_{name}"
        unset.append(kept)
        if kept in environment:
            export[name] = environment[kept]
        else:
            unset.append(name)
    return Change(
        first=_paths(environment, old, "" if stacked else new),
        deactivate=tuple(scripts(old, "deactivate.d")),
        unset=tuple(name for name in unset if name not in export),
        prompt=prompt(environment, now_modifier),
        export=export,
        activate=tuple(scripts(new, "activate.d")) if new else (),
    )


def reactivate(environment: Mapping[str, str], root: Root) -> Change:
    """Return the change that runs the active environment's scripts once more."""
    prefix = environment.get("CONDA_PREFIX", "")
    if level_of(environment) < 1 or not prefix:
        return Change()
    export = {
        **_paths(environment, prefix, prefix),
        "CONDA_SHLVL": str(level_of(environment)),
        "CONDA_PROMPT_MODIFIER": modifier(root, prefix),
        **_conda_itself(root),
    }
    return Change(
        deactivate=tuple(scripts(prefix, "deactivate.d")),
        prompt=prompt(environment, export["CONDA_PROMPT_MODIFIER"]),
        export=export,
        activate=tuple(scripts(prefix, "activate.d")),
    )


def settle(environment: Mapping[str, str], prefix: str) -> Change:
    """Return what is left to do in a prefix that the image's ENV alone made active.

    Its variables are set, but not over one that is there: that is the operator's (``docker run -e``), who wins.
    """
    own = variables(prefix)
    missing = {name: value for name, value in own.items() if name not in environment}
    return Change(
        export={**missing, **hidden(environment, level_of(environment) - 1, own)},
        activate=tuple(scripts(prefix, "activate.d")),
    )


def level_of(environment: Mapping[str, str]) -> int:
    """Return ``CONDA_SHLVL``; 0 where it is absent or no number."""
    try:
        return max(0, int(environment.get("CONDA_SHLVL", "")))
    except ValueError:
        return 0


def modifier(root: Root, prefix: str) -> str:
    """Return what stands before the prompt."""
    return f"({root.shown_name(prefix)}) "


def prompt(environment: Mapping[str, str], new_modifier: str) -> str | None:
    """Return PS1 with the old modifier taken out and the new one before it; None where there is no prompt."""
    current = environment.get("PS1", "")
    # Powerline draws the environment itself.
    if not current or "POWERLINE_COMMAND" in current:
        return None
    old_modifier = environment.get("CONDA_PROMPT_MODIFIER", "")
    return new_modifier + (current.replace(old_modifier, "") if old_modifier else current)


def hidden(environment: Mapping[str, str], level: int, own: Mapping[str, str]) -> dict[str, str]:
    """Return, under the names that bring them back, the values that a prefix's own variables hide."""
    return {f"__CONDA_SHLVL_{level}_{name}": environment[name] for name in own if name in environment}


def _paths(environment: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    """Return PATH, and the libraries' path where it is set, with the old prefix's folder replaced by the new one's."""
    paths = {"PATH": _replaced(environment.get("PATH", "/usr/bin:/bin"), _below(old, "bin"), _below(new, "bin"))}
    if LIBRARIES in environment:
        paths[LIBRARIES] = _replaced(environment[LIBRARIES], _below(old, "lib"), _below(new, "lib"))
    return paths


def _below(prefix: str, folder: str) -> str:
    return os.path.join(prefix, folder) if prefix else ""


def _replaced(path: str, old: str, new: str) -> str:
    """Replace the first ``old`` entry; where there is none, ``new`` goes to the front.  "" stands for no entry."""
    entries = path.split(":")
    position = entries.index(old) if old and old in entries else None
    if position is not None:
        del entries[position]
    if new:
        entries.insert(position or 0, new)
    return ":".join(entries)


def _conda_itself(root: Root) -> dict[str, str]:
    return {"CONDA_EXE": root.executable, "_CE_M": "", "_CE_CONDA": "", "CONDA_PYTHON_EXE": root.python}
