"""What the decorators of the package inference-schema say of an entry script's ``run``.

The package turns JSON values into arrays, frames, dates, … inside the decorated function: a value that does not fit
raises there, before any line of the script's own ``run``.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Callable, Iterator

MODULE = "inference_schema.schema_util"
READER = "_deserialize_input_argument"
"""The package's function that reads one value; its frame knows the parameter's name."""

LONGEST_EXAMPLE = 100
LONGEST_REASON = 300


def is_decorated(run: Callable[..., Any]) -> bool:
    """Whether ``run`` has a schema; without importing the package where the script has not."""
    library = sys.modules.get(MODULE)
    return library is not None and bool(library.is_schema_decorated(run))


def read(run: Callable[..., Any]) -> dict[str, Any]:
    """Return the schemas of a decorated ``run``: ``input``, ``output``; and the Swagger ``versions`` that have them."""
    library = sys.modules[MODULE]
    return {
        "input": library.get_input_schema(run),
        "output": library.get_output_schema(run),
        "versions": sorted(library.get_supported_versions(run)),
    }


def misfit(error: BaseException, run: Callable[..., Any]) -> str | None:
    """Say what was expected, if ``error`` was raised while a value was being read; None if it was not."""
    for frame in _frames(error):
        if frame.f_code.co_name == READER and str(frame.f_globals.get("__name__")).startswith("inference_schema."):
            name = frame.f_locals.get("param_name")
            whole = read(run)["input"]
            words = _words(whole.get("properties", {}).get(name, {}))
            return _shortened(f"The value of {name!r} does not fit: expected {words}{_example(whole, name)}.")
    return None


def _frames(error: BaseException) -> Iterator[Any]:
    step = error.__traceback__
    while step is not None:
        yield step.tb_frame
        step = step.tb_next


def _words(schema: Any) -> str:
    """Say what a schema describes: ``a list of lists of numbers``."""
    kind = schema.get("type")
    if kind == "array":
        return f"a list of {_plural(schema.get('items') or {})}"
    if kind == "object" and schema.get("properties"):
        members = (f"{name!r} ({_words(one)})" for name, one in schema["properties"].items())
        return f"an object of {', '.join(members)}"
    return _SINGULAR.get(str(kind), "another value")


def _plural(schema: Any) -> str:
    kind = schema.get("type")
    return f"lists of {_plural(schema.get('items') or {})}" if kind == "array" else _PLURAL.get(str(kind), "values")


_SINGULAR = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}
_PLURAL = {
    "boolean": "truth values",
    "integer": "whole numbers",
    "number": "numbers",
    "object": "objects",
    "string": "texts",
}


def _example(schema: Any, name: Any) -> str:
    """Return the sample that the script's author gave, where it is short; it is part of the description, too."""
    samples = schema.get("example", {})
    text = json.dumps(samples[name], ensure_ascii=False) if name in samples else ""
    return f", for example {text}" if 0 < len(text) <= LONGEST_EXAMPLE else ""


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"
