"""uv's explanation of a failure, made short enough to read."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from packaging.utils import canonicalize_name

WIDTH = 100
SENTENCES = 3
"""How many sentences of a long explanation are kept: the last ones hold the conclusion."""

MARKER = re.compile(r"\{[^}]*\}")
# `foo>=1,<2.dev0` is how uv writes `~=1.0`: the upper bound says nothing that a person needs.
UPPER_BOUND = re.compile(r",<[\d.]+\.dev0")


def shortened(lines: Iterable[str]) -> list[str]:
    """Return a resolver's explanation as at most a few wrapped lines."""
    text = MARKER.sub("", " ".join(lines)).replace("No solution found when resolving dependencies", "").strip()
    text = UPPER_BOUND.sub("", text)
    sentences = re.split(r"(?<=\.) (?=And |Because |and because )", text)
    kept = sentences[-SENTENCES:]
    short = (
        " ".join(kept)
        .replace("we can conclude that ", "it follows that ")
        .replace("your requirements are unsatisfiable", "nothing fits")
    )
    wrapped = textwrap.wrap(short, WIDTH, break_long_words=False, break_on_hyphens=False)
    return (["..."] if len(sentences) > len(kept) else []) + wrapped


def mentions(text: str, name: str) -> bool:
    """Whether a text names a package, in whatever spelling."""
    words = re.findall(r"[A-Za-z0-9][A-Za-z0-9._-]*", text)
    return any(canonicalize_name(word.rstrip(".-_")) == canonicalize_name(name) for word in words)
