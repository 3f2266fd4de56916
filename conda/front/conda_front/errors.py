"""Errors as conda prints them: ``Label: message`` on stderr, or an object on stdout under ``--json``."""

from __future__ import annotations

import json


class CondaError(Exception):
    """A fault that ends the command with exit code 1.

    Parameters
    ----------
    label
        Conda's own name for this kind of error; other programs look for it.
    message
        What is wrong and what to do, in at most a few lines.
    """

    def __init__(self, label: str, message: str) -> None:
        super().__init__(message)
        self.label = label
        self.message = message

    def text(self) -> str:
        """Return the form for a terminal."""
        return f"\n{self.label}: {self.message}"

    def as_json(self) -> str:
        """Return the form for programs."""
        value = {
            "error": f"{self.label}: {self.message}",
            "exception_name": self.label,
            "message": self.message,
        }
        return json.dumps(value, indent=2)


def not_available(verb: str) -> CondaError:
    """Return the answer to every verb that would need what this image does not carry."""
    return CondaError(
        "CommandNotFoundError",
        f"'conda {verb}' does not work in this image: its conda has no solver.\n"
        "It reads environments: list, env list, info, run, activate, deactivate.\n"
        "To change one, edit the model's conda.yaml and rebuild the image with puncheon.",
    )
