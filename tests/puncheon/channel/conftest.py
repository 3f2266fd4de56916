"""Small packages, made as the kit makes its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from puncheon.channel.package import write_package
from puncheon.channel.record import PackageDescription

MakePackage = Callable[..., Path]
PLACEHOLDER = "/opt/placeholder".ljust(255, "_")


def description(**changes: object) -> PackageDescription:
    """A package that says as little as a package can."""
    values: dict[str, object] = {
        "name": "small",
        "version": "1.0",
        "subdir": "linux-64",
        "depends": ("__glibc >=2.17",),
        "license": "MIT",
        "summary": "A small package",
        "home": "https://example.org",
        "timestamp": 1_600_000_000,
    }
    return PackageDescription(**{**values, **changes})  # type: ignore[arg-type]


def pack(scratch: Path, folder: Path, files: dict[str, bytes], **changes: object) -> Path:
    """Write a package of ``files`` (path → content) into ``folder``; keywords change its description."""
    root = scratch / f"files-{len(list(scratch.iterdir()))}"
    root.mkdir()
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return write_package(description(**changes), root, folder, placeholder=PLACEHOLDER)


@pytest.fixture
def make_package(tmp_path: Path) -> MakePackage:
    """Make packages as ``pack`` does."""
    return partial(pack, tmp_path)
