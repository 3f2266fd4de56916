"""The control socket: each HTTP process that connects is told the runner's state, once at first and at every change.

A line of JSON each time: ``{"state": "loading" | "ready" | "failed", "reason": text, "workers": [...], ...}``.
"""

from __future__ import annotations

import json
import selectors
import socket
from typing import Any

from puncheon_runner.options import Options


class Control:
    """Listens for HTTP processes and keeps them informed; ``facts`` go out with every state."""

    def __init__(self, listener: socket.socket, options: Options) -> None:
        self._listener = listener
        self._listener.setblocking(False)
        self._peers: list[socket.socket] = []
        self._selector: Any = None
        self._state: dict[str, Any] = {"state": "loading", "reason": "the model is loading", "workers": []}
        self.facts: dict[str, Any] = {"batching": options.batching, "preload": options.preload}

    def register(self, selector: selectors.BaseSelector) -> None:
        """Watch the socket with this selector from now on."""
        self._selector = selector
        selector.register(self._listener, selectors.EVENT_READ)

    def serve(self, ready: Any) -> None:
        """Accept a new peer, or drop one that has gone."""
        if ready is not self._listener:
            self._read(ready)
            return
        try:
            peer, _ = self._listener.accept()
        except BlockingIOError:
            return
        peer.setblocking(False)
        self._peers.append(peer)
        self._selector.register(peer, selectors.EVENT_READ)
        self._send(peer)

    def publish(self, state: dict[str, Any]) -> None:
        """Tell all peers a new state."""
        self._state = state
        for peer in list(self._peers):
            self._send(peer)

    def close_in_child(self) -> None:
        """Let go of all sockets in a forked worker."""
        for one in (self._listener, *self._peers):
            one.close()

    def _send(self, peer: socket.socket) -> None:
        try:
            peer.sendall(json.dumps({**self.facts, **self._state}).encode() + b"\n")
        except OSError:
            self._drop(peer)

    def _read(self, peer: socket.socket) -> None:
        """Notice that a peer goes; it has nothing else to say."""
        try:
            if peer.recv(4096):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._drop(peer)

    def _drop(self, peer: socket.socket) -> None:
        if peer in self._peers:
            self._peers.remove(peer)
            self._selector.unregister(peer)
            peer.close()
