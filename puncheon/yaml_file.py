"""YAML files that people write: every value knows its place, so that every fault can name file, line and column.

Values are read as nodes, not as Python objects, because YAML's own typing is wrong here: ``python: 3.10`` would become
the number 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from puncheon.errors import PuncheonError

MEND = "Mend the file, or log the model again."

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
"""How YAML writes "nothing" in a plain scalar."""


@dataclass(frozen=True)
class YamlValue:
    """One value of a YAML file.

    Attributes
    ----------
    node
        What PyYAML composed.
    file
        The file's name, as messages show it.
    error
        The class of error that faults of this file are.
    """

    node: yaml.Node
    file: str
    error: type[PuncheonError]

    @property
    def line(self) -> int:
        """The line that the value begins at, counted from 1."""
        return int(self.node.start_mark.line) + 1

    @property
    def where(self) -> str:
        """The value's place, as messages show it."""
        return f"{self.file}, line {self.line}, column {int(self.node.start_mark.column) + 1}"

    @property
    def is_null(self) -> bool:
        """Whether nothing is written here."""
        return isinstance(self.node, yaml.ScalarNode) and self.node.style is None and self.node.value in NULLS

    @property
    def is_mapping(self) -> bool:
        """Whether the value is ``key: value`` pairs."""
        return isinstance(self.node, yaml.MappingNode)

    def mapping(self, what: str) -> dict[str, YamlValue]:
        """Return the value's pairs; ``what`` names it in the fault that anything else is."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.fault(f"{what} is {self._kind()}, not `key: value` pairs.")
        pairs: dict[str, YamlValue] = {}
        for key, value in self.node.value:
            name = self._at(key).text("A key")
            if name in pairs:
                raise self._at(key).fault(
                    f"`{name}:` is there twice in {what}.", next="Keep one; YAML silently takes the last."
                )
            pairs[name] = self._at(value)
        return pairs

    def sequence(self, what: str) -> tuple[YamlValue, ...]:
        """Return the value's entries; ``what`` names it in the fault that anything else is."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.fault(f"{what} is {self._kind()}, not a list.", next="Write its entries as lines of `- entry`.")
        return tuple(self._at(entry) for entry in self.node.value)

    def text(self, what: str) -> str:
        """Return the value as it is written; ``what`` names it in the fault that anything else is."""
        if not isinstance(self.node, yaml.ScalarNode) or self.is_null:
            raise self.fault(f"{what} is {self._kind()}, not text.")
        return str(self.node.value).strip()

    def plain(self) -> Any:
        """Return the value as YAML types it: dicts, lists, numbers, truth values, text, None."""
        try:
            return yaml.constructor.SafeConstructor().construct_document(self.node)
        except (yaml.constructor.ConstructorError, ValueError) as error:
            raise self.fault(f"A value cannot be read: {getattr(error, 'problem', error)}.") from error

    def fault(self, what: str, *, next: str = MEND) -> PuncheonError:
        """Return the error that says what is wrong at this place."""
        return self.error(what, where=self.where, next=next)

    def _at(self, node: yaml.Node) -> YamlValue:
        return YamlValue(node, self.file, self.error)

    def _kind(self) -> str:
        if self.is_null:
            return "empty"
        if isinstance(self.node, yaml.ScalarNode):
            shown = str(self.node.value)
            return f"the text `{shown if len(shown) <= 40 else shown[:39] + '…'}`"
        return "a list" if isinstance(self.node, yaml.SequenceNode) else "`key: value` pairs"


def read_text(path: Path, error: type[PuncheonError], *, file: str | None = None) -> str:
    """Return the text of a UTF-8 file, with or without a byte order mark.

    Raises
    ------
    PuncheonError
        Of the class ``error``, if the file cannot be read or is no UTF-8 text.
    """
    name = file or path.name
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise error(f"{name} cannot be read: {fault.strerror}.", where=str(path), next=MEND) from fault
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content[: fault.start].count(b"\n") + 1
        raise error(f"{name} is no UTF-8 text.", where=f"{name}, line {line}", next="Save it as UTF-8 text.") from fault


def read_yaml(path: Path, error: type[PuncheonError], *, file: str | None = None) -> YamlValue:
    """Read a file that holds one YAML document.

    Raises
    ------
    PuncheonError
        Of the class ``error``, if the file cannot be read, is no YAML, or is empty.
    """
    name = file or path.name
    text = read_text(path, error, file=name)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            _refuse_cycles(node, ())
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        where = f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name
        line = text.splitlines()[mark.line : mark.line + 1] if mark else []
        raise error(
            f"{name} is not YAML: {fault.problem or fault.context}.", where=where, detail=line, next=MEND
        ) from fault
    except yaml.reader.ReaderError as fault:
        line_number = text[: fault.position].count("\n") + 1
        raise error(
            f"{name} is not YAML: it holds the character {fault.character!r}.",
            where=f"{name}, line {line_number}",
            next=MEND,
        ) from fault
    except RecursionError as fault:
        raise error(f"{name} is nested too deeply, or holds itself.", where=name, next=MEND) from fault
    if node is None:
        raise error(f"{name} is empty.", where=str(path), next=MEND)
    return YamlValue(node, name, error)


def _refuse_cycles(node: yaml.Node, above: tuple[int, ...]) -> None:
    """Raise RecursionError for a node that holds itself by an alias."""
    if id(node) in above:
        raise RecursionError
    if isinstance(node, yaml.ScalarNode):
        return
    here = (*above, id(node))
    for child in node.value:
        for part in child if isinstance(child, tuple) else (child,):
            _refuse_cycles(part, here)
