"""The blocks of the Dockerfile and the README that are made from the declaration of settings."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from puncheon.declarations import SETTINGS
from puncheon.errors import SettingsError
from puncheon.setting import Setting

KIT = Path(__file__).resolve().parent.parent

PLACES = {
    "Dockerfile": ("check", "runtime"),
    "README.md": ("table",),
}
"""The files with generated blocks, and the names of the blocks in each."""


def blocks() -> dict[str, str]:
    """Return the text of each block, by name."""
    # A derived setting has no default to set: an empty variable would reach programs that read it themselves.
    at_start = [setting for setting in SETTINGS if setting.when == "run" and setting.default]
    environment = " \\\n    ".join(f"{setting.name}=${{{setting.name}}}" for setting in at_start)
    return {
        "check": _arguments(SETTINGS),
        "runtime": f"{_arguments(at_start)}\nENV {environment}\nEXPOSE ${{NGINX_PORT}} ${{GUNICORN_PORT}}",
        "table": "\n".join(
            ["| setting | default | when | meaning |", "| --- | --- | --- | --- |", *map(_row, SETTINGS)]
        ),
    }


def replaced(text: str, name: str, block: str) -> str:
    """Return ``text`` with the named block replaced.

    Raises
    ------
    SettingsError
        If the text lacks the block's marker lines.
    """
    pattern = re.compile(rf"(?m)(^[^\n]*>>> settings: {name}\b[^\n]*\n).*?(^[^\n]*<<< settings: {name}\b)", re.DOTALL)
    result, count = pattern.subn(lambda match: f"{match[1]}{block}\n{match[2]}", text)
    if count != 1:
        raise SettingsError(
            f"There is no block of generated settings named {name!r}.",
            next=f"Put the lines `>>> settings: {name}` and `<<< settings: {name}` back.",
        )
    return result


def updated(name: str) -> str:
    """Return the text that a file of ``PLACES`` should have."""
    text = (KIT / name).read_text(encoding="utf-8")
    for block in PLACES[name]:
        text = replaced(text, block, blocks()[block])
    return text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``document``: there are none."""


def run(arguments: argparse.Namespace) -> int:
    """Bring the generated blocks up to date and say which files changed."""
    for name in PLACES:
        path = KIT / name
        text = updated(name)
        changed = text != path.read_text(encoding="utf-8")
        if changed:
            path.write_text(text, encoding="utf-8")
        print(f"{name}: {'brought up to date' if changed else 'up to date'}")
    return 0


def _arguments(settings: tuple[Setting, ...] | list[Setting]) -> str:
    return "\n".join(f"ARG {setting.name}={setting.default}" for setting in settings)


def _row(setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else setting.derived
    unit = f" {setting.unit}" if setting.unit and setting.default else ""
    choices = f" One of {', '.join(f'`{choice}`' for choice in setting.choices)}." if len(setting.choices) > 1 else ""
    return f"| `{setting.name}` | {default}{unit} | {setting.when} | {setting.meaning}{choices} |"
