"""The peers' locks say what is measured."""

from __future__ import annotations

import pytest

from bench.environments import version
from bench.peers import PEERS, Peer

IDS = [peer.name for peer in PEERS]


@pytest.mark.parametrize("peer", PEERS, ids=IDS)
def test_lock_pins_what_the_peer_asks_for(peer: Peer) -> None:
    """Each line of requirements.in stands in requirements.txt, with that version."""
    wanted = {line for line in (peer.folder / "requirements.in").read_text().splitlines() if line and line[0] != "#"}

    assert f"{peer.distribution}=={version(peer)}" in wanted
    assert wanted <= set((peer.folder / "requirements.txt").read_text().splitlines())


def test_all_peers_serve_the_model_with_the_same_packages() -> None:
    """Other versions of the model's packages would make another model."""
    names = ("mlflow-skinny", "numpy", "pandas", "scikit-learn", "scipy", "skops")
    locks = [(peer.folder / "requirements.txt").read_text().splitlines() for peer in PEERS]

    pins = [{line for line in lock if line.partition("==")[0] in names} for lock in locks]

    assert [pins[0]] * len(PEERS) == pins
