"""One setting: its declaration, and how a text becomes its value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from puncheon.errors import SettingsError

When = Literal["build", "run"]
Value = int | bool | str

TRUE_WORDS = frozenset({"true", "1", "yes", "on"})
FALSE_WORDS = frozenset({"false", "0", "no", "off"})


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes
    ----------
    name
        The environment variable, and the build argument, that carries it.
    kind
        ``int`` (within ``minimum`` and ``maximum``), ``bool``, ``choice`` (one of ``choices``) or ``text``.
    default
        As a user would write it; the empty string means "derived", and ``derived`` says from what.
    unit
        The unit of a number, or the empty string.
    meaning
        One sentence for the README's table.
    when
        ``build``: a build argument alone.  ``run``: a build argument sets the image's default and
        ``docker run -e`` overrides it.
    """

    name: str
    kind: Literal["int", "bool", "choice", "text"]
    default: str
    meaning: str
    when: When = "run"
    unit: str = ""
    minimum: int = 0
    maximum: int = 2**31 - 1
    choices: tuple[str, ...] = ()
    derived: str = ""

    def parse(self, text: str) -> Value:
        """Turn what the user wrote into a value.

        Raises
        ------
        SettingsError
            If it is not of the setting's type, or out of its bounds.
        """
        if self.kind == "int":
            return self._parse_int(text)
        if self.kind == "bool":
            word = text.strip().lower()
            if word in TRUE_WORDS | FALSE_WORDS:
                return word in TRUE_WORDS
            raise self._fault(text, "true or false")
        if self.kind == "choice" and text not in self.choices:
            raise self._fault(text, "one of " + ", ".join(self.choices))
        return text

    def _parse_int(self, text: str) -> int:
        try:
            number = int(text.strip())
        except ValueError:
            raise self._fault(text, "a whole number") from None
        if not self.minimum <= number <= self.maximum:
            raise self._fault(text, f"a whole number from {self.minimum} to {self.maximum}")
        return number

    def _fault(self, text: str, wanted: str) -> SettingsError:
        unit = f" ({self.unit})" if self.unit else ""
        return SettingsError(
            f"{self.name}={text!r} is not {wanted}{unit}.",
            where=f"{self.name}: {self.meaning}",
            next=f"Give {self.name} as {wanted}, or leave it out (default: {self.default or self.derived}).",
        )
