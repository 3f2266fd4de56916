"""Whether a conda channel answers from this machine: asked once, with a short limit."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from dataclasses import dataclass

DEFAULT_CHANNEL = "conda-forge"
LIMIT_SECONDS = 3.0


@dataclass(frozen=True)
class Probe:
    """What a channel answered: whether it can be used, and the words for it."""

    channel: str
    usable: bool
    words: str


def probe(channel: str, url: str, limit: float = LIMIT_SECONDS) -> Probe:
    """Ask the channel at ``url`` for the head of its index, for at most ``limit`` seconds.

    The limit holds for name resolution too, which has none of its own.
    """
    address = f"{url.rstrip('/')}/noarch/repodata.json"
    answers: list[Probe] = []
    asking = threading.Thread(target=lambda: answers.append(_ask(channel, address, limit)), daemon=True)
    asking.start()
    asking.join(limit)
    return answers[0] if answers else Probe(channel, False, f"did not answer within {limit:g} s")


def _ask(channel: str, address: str, limit: float) -> Probe:
    # A site may name its channel by a file: address too, which urllib opens.
    request = urllib.request.Request(address, method="HEAD")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=limit) as answer:  # noqa: S310
            return Probe(channel, True, f"answers ({answer.status})")
    except urllib.error.HTTPError as error:
        return Probe(channel, False, f"answers {error.code} {error.reason}")
    except (OSError, ValueError) as error:
        return Probe(channel, False, f"cannot be reached ({getattr(error, 'reason', error)})")
