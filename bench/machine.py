"""What figures depend on: the machine, its kernel and its engine."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import docker


def describe() -> dict[str, str]:
    """Return a line for each thing; nothing that names the machine."""
    version = docker.from_env().version()
    kernel = re.split("[-+]", platform.release())[0]
    return {
        "processor": f"{_field('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores",
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB",
        "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {kernel}",
        "engine": f"{version['Platform']['Name'] or 'Docker'} {version['Version']}".strip(),
        "Python of the peers": platform.python_version(),
    }


def _field(path: str, name: str) -> str:
    found = re.search(rf"(?m)^{name}\s*:\s*(.*)$", Path(path).read_text())
    return found[1].strip() if found else "unknown"
