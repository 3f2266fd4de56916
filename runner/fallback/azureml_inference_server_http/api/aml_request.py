"""``@rawhttp`` and the class of its requests."""

from __future__ import annotations

from typing import Any, Callable, TypeVar

from flask import Request

_rawHttpRequested = False  # noqa: N816 -- the name under which the server looks for it

Run = TypeVar("Run", bound=Callable[..., Any])


class AMLRequest(Request):
    """A Flask request, for annotations."""


def rawhttp(run: Run) -> Run:
    """Ask for the Flask request in place of the body's text."""
    global _rawHttpRequested
    _rawHttpRequested = True
    return run
