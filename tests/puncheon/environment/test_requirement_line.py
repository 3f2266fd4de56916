"""Lines of requirements files and entries of `pip:` lists."""

from __future__ import annotations

import pytest

from puncheon.environment.requirement_line import (
    LocalRequirement,
    NamedRequirement,
    Option,
    parse_line,
    strip_comment,
)

SHA = "sha256:" + "0" * 64
ARCHIVE = "https://packages.example/helper-1.0.tar.gz"

LINES = {
    "pin": ("numpy==1.26.4", NamedRequirement("numpy==1.26.4", "numpy")),
    "spaces": ("numpy  ==  1.26.4", NamedRequirement("numpy==1.26.4", "numpy")),
    "range": ("mlflow<3,>=2.10", NamedRequirement("mlflow<3,>=2.10", "mlflow")),
    "extras": ("mlflow[extras]==3.17.2", NamedRequirement("mlflow[extras]==3.17.2", "mlflow")),
    "marker": (
        "pywin32>=306; sys_platform=='win32'",
        NamedRequirement('pywin32>=306; sys_platform == "win32"', "pywin32"),
    ),
    "local version": ("torch==2.13.0+cpu", NamedRequirement("torch==2.13.0+cpu", "torch")),
    "hash": (f"six==1.16.0 --hash={SHA}", NamedRequirement("six==1.16.0", "six", (f"--hash={SHA}",))),
    "named url": (f"helper @ {ARCHIVE}", NamedRequirement(f"helper @ {ARCHIVE}", "helper")),
    "bare url": (ARCHIVE, NamedRequirement(ARCHIVE, "helper")),
    "repository": (
        "git+https://code.example/helper.git@v1#egg=helper",
        NamedRequirement("git+https://code.example/helper.git@v1#egg=helper", "helper"),
    ),
    "wheel": ("./wheels/helper-1.0-py3-none-any.whl", LocalRequirement("./wheels/helper-1.0-py3-none-any.whl")),
    "wheel beside": ("helper-1.0-py3-none-any.whl", LocalRequirement("helper-1.0-py3-none-any.whl")),
    "wheel with extras and marker": (
        'code/helper-1.0-py3-none-any.whl[fast] ; python_version > "3.8"',
        LocalRequirement("code/helper-1.0-py3-none-any.whl", '[fast] ; python_version > "3.8"'),
    ),
    "wheel from windows": (r"code\helper-1.0-py3-none-any.whl", LocalRequirement(r"code\helper-1.0-py3-none-any.whl")),
    "archive": ("sdists/helper-1.0.tar.gz", LocalRequirement("sdists/helper-1.0.tar.gz")),
    "folder": ("./code/helper", LocalRequirement("./code/helper")),
    "relative file url": (
        "file:wheels/helper-1.0-py3-none-any.whl",
        LocalRequirement("wheels/helper-1.0-py3-none-any.whl"),
    ),
    "requirements file": ("-r requirements.txt", Option("--requirement", "requirements.txt")),
    "requirements file, glued": ("-rrequirements.txt", Option("--requirement", "requirements.txt")),
    "requirements file, long": ("--requirement=more.txt", Option("--requirement", "more.txt")),
    "constraints": ("-c constraints.txt", Option("--constraint", "constraints.txt")),
    "extra index": ("--extra-index-url https://a.example/s", Option("--extra-index-url", "https://a.example/s")),
    "index, short": ("-i https://a.example/s", Option("--index-url", "https://a.example/s")),
    "find links": ("--find-links=wheels", Option("--find-links", "wheels")),
    "pre": ("--pre", Option("--pre")),
    "only binary": ("--only-binary :all:", Option("--only-binary", ":all:")),
}


@pytest.mark.parametrize(("line", "expected"), LINES.values(), ids=LINES)
def test_every_form_of_a_line_is_read(line: str, expected: object) -> None:
    """What pip takes is taken, and written in one spelling."""
    assert expected == parse_line(line)


REFUSED = {
    "editable": ("-e ./helper", "an editable install points at a folder"),
    "editable repository": ("--editable git+https://code.example/helper.git", "an editable install"),
    "feedstock": ("numpy @ file:///home/conda/feedstock_root/numpy/work", "it is a path of the machine"),
    "absolute wheel": ("/dbfs/helper-1.0-py3-none-any.whl", "it is a path of the machine"),
    "home": ("~/helper", "it is a path of the machine"),
    "drive": (r"C:\wheels\helper-1.0-py3-none-any.whl", "it is a path of the machine"),
    "conda's pin": ("numpy=1.26.4", "pip pins with `==`, conda with `=`"),
    "no version": ("numpy==", "Expected"),
    "two words": ("numpy pandas", "Expected"),
    "unknown option": ("--no-deps", "an environment file cannot hold this option"),
    "option without value": ("-r", "the option needs a value"),
}


@pytest.mark.parametrize(("line", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_no_image_can_install_is_refused_with_the_reason(line: str, reason: str) -> None:
    """The reason is one line, to stand after the entry."""
    with pytest.raises(ValueError, match=reason) as caught:
        parse_line(line)

    assert 1 == len(str(caught.value).splitlines())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("numpy==1.26.4  # pinned", "numpy==1.26.4"),
        ("# nothing", ""),
        ("git+https://code.example/a.git#egg=a", "git+https://code.example/a.git#egg=a"),
    ],
    ids=["after", "whole line", "inside a url"],
)
def test_comments_are_left_out(line: str, expected: str) -> None:
    """A comment begins a line or follows a space."""
    assert expected == strip_comment(line)
