"""One line of a requirements file, or one entry of conda.yaml's ``pip:`` list.

Source of the format: pip's own ``requirements file format`` and PEP 508.
"""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement

from puncheon.environment.local_files import ARCHIVES

COMMENT = re.compile(r"(^|\s+)#.*$")
LINE_OPTION = re.compile(r"\s+(--(?:hash|config-settings?|global-option|install-option)(?:=|\s+)\S+)")
CONDA_PIN = re.compile(r"[\w.-]+(\[[\w,.-]+\])?\s*=\s*[^=\s].*")
URL_SCHEME = re.compile(r"([a-z][a-z0-9.]*\+)?(https?|ssh|git|file|ftp)://", re.IGNORECASE)

VALUE_OPTIONS = {
    "-i": "--index-url",
    "--index-url": "--index-url",
    "--pypi-url": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
    "--trusted-host": "--trusted-host",
    "--no-binary": "--no-binary",
    "--only-binary": "--only-binary",
    "-r": "--requirement",
    "--requirement": "--requirement",
    "-c": "--constraint",
    "--constraint": "--constraint",
    "-e": "--editable",
    "--editable": "--editable",
    "--use-feature": "--use-feature",
}
"""Options with a value, each with its one name here."""

FLAGS = frozenset({"--no-index", "--pre", "--prefer-binary", "--require-hashes"})


@dataclass(frozen=True)
class Option:
    """An option for the whole installation, such as ``--extra-index-url URL``; ``value`` is "" for flags."""

    name: str
    value: str = ""


@dataclass(frozen=True)
class LocalRequirement:
    """A wheel, an archive or a source folder beside the file: its path, and ``[extras]`` and ``; marker`` after it."""

    path: str
    suffix: str = ""


@dataclass(frozen=True)
class NamedRequirement:
    """A PEP 508 requirement, by name or by URL, in one spelling; ``hashes`` are its ``--hash=`` options."""

    text: str
    name: str
    hashes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The requirement as a requirements file holds it."""
        return " ".join((self.text, *self.hashes))


def strip_comment(line: str) -> str:
    """Return a line without its comment; pip's rule, so a ``#`` inside a word (``#egg=``) stays."""
    return COMMENT.sub("", line).strip()


def parse_line(line: str) -> Option | LocalRequirement | NamedRequirement:
    """Read a line without comment.

    Raises
    ------
    ValueError
        With the reason, if pip would not take it, or if no image can.
    """
    if line.startswith("-"):
        return _option(line)
    options = tuple(LINE_OPTION.findall(line))
    text = LINE_OPTION.sub("", line).strip()
    hashes = tuple(re.sub(r"\s+", "=", option, count=1) for option in options if option.startswith("--hash"))
    local = _local(text)
    if local is not None:
        return local
    if URL_SCHEME.match(text):
        _refuse_foreign_path(text)
        return NamedRequirement(text, _name_of_url(text), hashes)
    try:
        requirement = Requirement(text)
    except InvalidRequirement as fault:
        if CONDA_PIN.fullmatch(text):
            raise ValueError("pip pins with `==`, conda with `=`") from fault
        raise ValueError(str(fault).splitlines()[0].rstrip(":")) from fault
    if requirement.url is not None:
        if not URL_SCHEME.match(requirement.url) and not requirement.url.startswith("file:"):
            raise ValueError(f"`{requirement.url}` is no URL")
        _refuse_foreign_path(requirement.url)
    return NamedRequirement(str(requirement), requirement.name, hashes)


def _option(line: str) -> Option:
    name, _, value = re.sub(r"^(--?[\w-]+)(?:=|\s+|$)", r"\1 ", line).partition(" ")
    value = value.strip().strip("'\"")
    if name in FLAGS:
        return Option(name)
    if name not in VALUE_OPTIONS:
        # `-rfile` is how pip's short options may be written too.
        if name[:2] in VALUE_OPTIONS and not name.startswith("--"):
            return _option(f"{line[:2]} {line[2:]}")
        raise ValueError("an environment file cannot hold this option")
    if not value:
        raise ValueError("the option needs a value")
    if VALUE_OPTIONS[name] == "--editable":
        raise ValueError("an editable install points at a folder that the image does not have; write it without `-e`")
    return Option(VALUE_OPTIONS[name], value)


def _local(text: str) -> LocalRequirement | None:
    """Return the local path that a line begins with, by pip's rule: it has a separator, or an archive's ending."""
    body, marker = re.fullmatch(r"(.*?)(\s*;.*)?", text, re.DOTALL).groups()  # type: ignore[union-attr]
    path, extras = re.fullmatch(r"(.*?)(\[[^\]]*\])?", body.strip()).groups()  # type: ignore[union-attr]
    path = path.strip()
    if path.startswith("file:") and not path.startswith("file://"):
        path = path.removeprefix("file:")
    if URL_SCHEME.match(path) or re.match(r"[\w.-]+(\[[^\]]*\])?\s*@", path):
        return None
    if path.endswith(ARCHIVES) or path.startswith((".", "/", "~")) or "/" in path or "\\" in path:
        if path.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", path):
            raise ValueError("it is a path of the machine that the model was logged on")
        return LocalRequirement(path, (extras or "") + (f" {marker.strip()}" if marker else ""))
    return None


def _refuse_foreign_path(url: str) -> None:
    if url.startswith("file:"):
        raise ValueError("it is a path of the machine that the model was logged on")


def _name_of_url(url: str) -> str:
    """Return the name that a bare URL gives (``#egg=name``, or the archive's own), or the URL."""
    parts = urllib.parse.urlsplit(url)
    if egg := re.search(r"egg=([\w.-]+)", parts.fragment):
        return egg[1]
    return parts.path.rsplit("/", 1)[-1].split("-")[0] or url
