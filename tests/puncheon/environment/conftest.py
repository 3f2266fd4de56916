"""What makes environments in tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from puncheon.channel.index import index_channel
from puncheon.channel.installation import pack_installation
from puncheon.channel.progress import Progress
from tests.puncheon.channel.environments import interpreters
from tests.puncheon.environment.building import CHANNEL, Builder


@pytest.fixture(scope="session")
def channel() -> Path:
    """The kit's local channel, with Python and pip."""
    if not any(CHANNEL.glob("*/repodata.json")):
        pytest.fail(f"{CHANNEL} holds no packages: run `make channel` first")
    return CHANNEL


@pytest.fixture
def build(channel: Path, tmp_path: Path) -> Builder:
    """The verb, with the kit's local channel."""
    return Builder(tmp_path, channel)


@pytest.fixture(scope="session")
def channel_with_3_8(channel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit's local channel, and in it the CPython 3.8 that is installed on this machine."""
    found = interpreters()
    if "3.8" not in found:
        pytest.skip("this machine has no CPython 3.8 in a prefix of its own (PATH, pyenv)")
    folder = tmp_path_factory.mktemp("channel") / "channel"
    shutil.copytree(channel, folder)
    pack_installation(Path(found["3.8"].prefix), folder, Progress())
    index_channel(folder)
    return folder
