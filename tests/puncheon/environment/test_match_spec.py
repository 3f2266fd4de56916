"""Entries of conda.yaml's `dependencies:`, in every form that people write."""

from __future__ import annotations

import pytest

from puncheon.environment.match_spec import parse_match_spec

FORMS = {
    "python": ("python", None, ""),
    "python=3.10.13": ("python", "3.10.13.*", "3.10.13"),
    "python==3.10.13": ("python", "==3.10.13", "3.10.13"),
    "python==3.10": ("python", "==3.10", "3.10"),
    "python=3.10": ("python", "3.10.*", "3.10"),
    "python = 3.10": ("python", "3.10.*", "3.10"),
    "python 3.10.*": ("python", "3.10.*", "3.10"),
    "python 3.10": ("python", "==3.10", "3.10"),
    "python>=3.9,<3.12": ("python", ">=3.9,<3.12", ">=3.9,<3.12"),
    "python >=3.9, <3.12": ("python", ">=3.9,<3.12", ">=3.9,<3.12"),
    "python<=3.10": ("python", "<=3.10", "<=3.10"),
    "Python=3.11": ("python", "3.11.*", "3.11"),
    "pip<=23.2.1": ("pip", "<=23.2.1", "<=23.2.1"),
    "numpy[version='>=1.20']": ("numpy", ">=1.20", ">=1.20"),
    "libgcc-ng": ("libgcc-ng", None, ""),
}


@pytest.mark.parametrize(("entry", "name", "version", "asked"), [(e, *f) for e, f in FORMS.items()], ids=FORMS)
def test_every_form_of_a_pin_is_read_as_conda_reads_it(entry: str, name: str, version: str | None, asked: str) -> None:
    """Name, constraint, and the version as a person would say it."""
    package = parse_match_spec(entry)

    assert (name, version, asked) == (package.name, package.version, package.asked)


def test_a_channel_and_a_build_are_read() -> None:
    """`channel::name=version=build` has all four parts."""
    package = parse_match_spec("conda-forge::python=3.11.7=hab00c5b_1_cpython")

    assert ("conda-forge", "python", "==3.11.7", "hab00c5b_1_cpython") == (
        package.channel,
        package.name,
        package.version,
        package.build,
    )


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("3.11", "it names no package"),
        ("numpy=>1.20", "unable to parse version spec: =>1.20"),
        ("numpy 1.20 py39_0 main", "it has more parts than name, version and build"),
        ("python=three", "it names no version"),
        ("", "missing package name"),
    ],
    ids=["a number", "operator the wrong way round", "too many parts", "python by a word", "nothing"],
)
def test_what_is_no_package_is_refused_with_the_reason(entry: str, reason: str) -> None:
    """The reason is one line, to stand after the entry."""
    with pytest.raises(ValueError, match=f"^{reason}"):
        parse_match_spec(entry)
