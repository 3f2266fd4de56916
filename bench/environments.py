"""An environment for each peer under build/bench, made by uv from the peer's lock."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bench.peers import Peer

KIT = Path(__file__).resolve().parents[1]
WORK = KIT / "build/bench"


def install(peer: Peer) -> Path:
    """Return the folder of the peer's programs; make its environment unless it is there and up to date.

    Raises
    ------
    SystemExit
        If uv fails, with what it said.
    """
    folder, lock = WORK / "peers" / peer.name, peer.folder / "requirements.txt"
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        print(f"{peer.name}: environment in {folder.relative_to(KIT)}", file=sys.stderr, flush=True)
        uv = str(Path(sys.executable).with_name("uv"))
        shutil.rmtree(folder, ignore_errors=True)
        for command in (
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
            [uv, "pip", "sync", "--quiet", "--python", str(folder / "bin/python"), str(lock)],
        ):
            variables = {"UV_SYSTEM_CERTS": "1", **os.environ}
            done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"The environment of {peer.name} could not be made.\n{done.stderr[-2000:]}")
        stamp.write_text(lock.read_text())
    return folder / "bin"


def version(peer: Peer) -> str:
    """Return the version that the peer's lock pins.

    Raises
    ------
    LookupError
        If it pins none.
    """
    found = re.search(rf"(?m)^{re.escape(peer.distribution)}==(\S+)", (peer.folder / "requirements.txt").read_text())
    if not found:
        raise LookupError(f"{peer.folder / 'requirements.txt'} does not pin {peer.distribution}")
    return found[1]
