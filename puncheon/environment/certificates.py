"""The system's certificates, where there are any: a site's own CA is among them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


def has_system_certificates(environ: Mapping[str, str]) -> bool:
    """Whether the system knows any authority; a slim base may know none, and then the tools' built-in ones serve."""
    bundle = Path(environ.get("SSL_CERT_FILE") or SYSTEM_BUNDLE)
    return bundle.is_file() and bundle.stat().st_size > 0
