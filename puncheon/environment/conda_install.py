"""Linking conda packages into a prefix, and leaving it as conda itself would."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from rattler import install
from rattler.exceptions import InstallerError, LinkError, TransactionError

from puncheon.environment.channels import CondaNetwork, without_credentials
from puncheon.environment.conda_attempt import CondaSolution
from puncheon.errors import EnvironmentSolveError


async def install_conda(
    solution: CondaSolution, prefix: Path, network: CondaNetwork, variables: Mapping[str, str]
) -> None:
    """Install the records into an empty prefix.

    Raises
    ------
    EnvironmentSolveError
        If a package cannot be fetched or linked.
    """
    try:
        await install(
            list(solution.records),
            target_prefix=prefix,
            cache_dir=network.cache,
            client=network.client,
            show_progress=False,
            # As conda does: some packages are complete only after their script ran.
            execute_link_scripts=True,
        )
    except (InstallerError, LinkError, TransactionError, OSError) as fault:
        raise EnvironmentSolveError(
            "A conda package cannot be installed.",
            where=f"channels: {', '.join(channel.shown for channel in solution.channels)}",
            detail=without_urls(str(fault)).splitlines(),
            next="Build again; if it stays so, the channel's package is damaged.",
        ) from fault
    finish(prefix, variables)


def finish(prefix: Path, variables: Mapping[str, str]) -> None:
    """Make the records readable for every uid, free of credentials and of the builder's cache, and set variables."""
    meta = prefix / "conda-meta"
    for record in sorted(meta.glob("*.json")):
        content = json.loads(record.read_text(encoding="utf-8"))
        for key in ("url", "channel"):
            if isinstance(content.get(key), str):
                content[key] = without_credentials(content[key])
        content.pop("extracted_package_dir", None)
        content.pop("link", None)
        record.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        record.chmod(0o644)
    if variables:
        # Where conda itself keeps them: `conda activate` and `conda run` read this file.
        state = {"version": 1, "env_vars": dict(variables)}
        (meta / "state").write_text(json.dumps(state, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    (meta / "history").touch()
    (prefix / "CACHEDIR.TAG").unlink(missing_ok=True)


def without_urls(text: str) -> str:
    """Return a tool's words with credentials taken out of every URL."""
    return re.sub(r"[a-z][a-z0-9+.-]*://\S+", lambda url: without_credentials(url[0]), text)
