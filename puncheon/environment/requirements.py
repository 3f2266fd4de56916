"""Requirements files and ``pip:`` lists, read with everything that they refer to and laid out flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from puncheon.environment.local_files import LocalFiles
from puncheon.environment.requirement_line import (
    LocalRequirement,
    NamedRequirement,
    Option,
    parse_line,
    strip_comment,
)
from puncheon.environment.spec import PipOptions
from puncheon.errors import EnvironmentFileError
from puncheon.yaml_file import read_text

MAX_NESTING = 10
NO_OPTIONS = PipOptions()
REWRITE = "Write `name==version` instead, or put the wheel beside the file and write `./name.whl`."


@dataclass(frozen=True)
class Line:
    """A line with its place: ``where`` is for messages, ``beside`` the folder that its paths start from."""

    text: str
    where: str
    beside: Path


@dataclass
class Requirements:
    """What a reading has collected so far; sorted when it is used, since the order means nothing to a solver."""

    files: LocalFiles
    requirements: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    options: PipOptions = NO_OPTIONS

    def add(self, lines: Iterable[Line], *, constraint: bool = False, depth: int = 0) -> None:
        """Read lines, and the files that they name.

        Raises
        ------
        EnvironmentFileError
            If a line is not what pip takes, or names a file that is absent or outside of the model's folder.
        """
        for line in lines:
            text = strip_comment(line.text)
            if not text:
                continue
            try:
                self._add(parse_line(text), line, constraint=constraint, depth=depth)
            except ValueError as fault:
                raise EnvironmentFileError(
                    f"`{_shown(text)}`: {fault}.", where=line.where, next=_advice(text)
                ) from fault

    def _add(
        self, parsed: Option | LocalRequirement | NamedRequirement, line: Line, *, constraint: bool, depth: int
    ) -> None:
        if isinstance(parsed, Option):
            self._add_option(parsed, line, constraint=constraint, depth=depth)
        elif isinstance(parsed, LocalRequirement):
            if constraint:
                raise ValueError("a constraint cannot be a file")
            path = self.files.find(parsed.path, line.beside)
            if path.is_dir() and not any((path / name).exists() for name in ("pyproject.toml", "setup.py")):
                raise ValueError("the folder has neither pyproject.toml nor setup.py, so pip cannot install it")
            self.requirements.append(self.files.bring(path) + parsed.suffix)
        elif constraint:
            self.constraints.append(parsed.line)
        else:
            if parsed.hashes:
                self.options = replace(self.options, require_hashes=True)
            self.requirements.append(parsed.line)

    def _add_option(self, option: Option, line: Line, *, constraint: bool, depth: int) -> None:
        if option.name in ("--requirement", "--constraint"):
            if "://" in option.value:
                raise ValueError("a file from the network can change between builds; copy it into the model's folder")
            if depth == MAX_NESTING:
                raise ValueError("the files name each other in a circle")
            path = self.files.find(option.value, line.beside)
            if path.is_dir():
                raise ValueError("it is a folder")
            self.add(
                lines_of_file(path),
                constraint=constraint or option.name == "--constraint",
                depth=depth + 1,
            )
        else:
            self.options |= self._as_options(option, line)

    def _as_options(self, option: Option, line: Line) -> PipOptions:
        value = option.value
        names = tuple(name.strip() for name in value.split(",") if name.strip())
        if option.name == "--find-links" and "://" not in value:
            folder = self.files.find(value, line.beside)
            return PipOptions(find_links=(self.files.bring(folder),))
        known = {
            "--index-url": PipOptions(index_url=value),
            "--extra-index-url": PipOptions(extra_index_urls=tuple(value.split())),
            "--find-links": PipOptions(find_links=(value,)),
            "--trusted-host": PipOptions(trusted_hosts=(value,)),
            "--no-binary": PipOptions(no_binary=names),
            "--only-binary": PipOptions(only_binary=names),
            "--no-index": PipOptions(no_index=True),
            "--pre": PipOptions(pre=True),
            "--require-hashes": PipOptions(require_hashes=True),
        }
        # --prefer-binary and --use-feature steer pip itself; uv has no such choice to make.
        return known.get(option.name, PipOptions())


def lines_of_file(path: Path) -> Iterator[Line]:
    r"""Yield the logical lines of a requirements file: a ``\`` at the end of a line joins the next one to it.

    Raises
    ------
    EnvironmentFileError
        If it cannot be read as text.
    """
    name = path.name
    pending, begin = "", 1
    for number, raw in enumerate(read_text(path, EnvironmentFileError, file=name).splitlines(), start=1):
        if not pending:
            begin = number
        if raw.endswith("\\") and not raw.lstrip().startswith("#"):
            pending += raw[:-1] + " "
            continue
        yield Line(pending + raw, f"{name}, line {begin}", path.parent)
        pending = ""
    if pending:
        yield Line(pending, f"{name}, line {begin}", path.parent)


def _shown(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"


def _advice(text: str) -> str:
    if text.startswith(("-r", "-c", "--requirement", "--constraint")):
        return "Put the file into the model's folder (mlflow logs it with code_paths), or write its lines instead."
    if text.startswith("-"):
        return "Take the option out of the file."
    return REWRITE if "/" in text or "\\" in text or text.endswith(".whl") else "Mend the line."
