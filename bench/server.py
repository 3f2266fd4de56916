"""A server that runs: where it answers, what it takes, and whether its answers are right."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from bench.tables import Table, flowers, split_body

CALLERS = 32
"""So many ask at once when it is checked that each gets the answer to its own question."""


def bare(answer: Any) -> Any:
    """Return the predictions of a server that answers these and nothing else."""
    return answer


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes
    ----------
    root
        The process above all others of this server, on this machine.
    body
        From a table to a request's body.
    predictions
        From the answer's JSON to a list with a number for each row.
    predicts
        Whether it answers what it is asked; the ceiling does not.
    restless
        Whether it keeps a processor busy with nothing to do, and so must stand still while others are measured.
    """

    name: str
    url: str
    root: int
    body: Callable[[Table], bytes] = field(default=split_body)
    predictions: Callable[[Any], Any] = field(default=bare)
    predicts: bool = True
    restless: bool = False

    def ask(self, table: Table, timeout_s: float = 120) -> Any:
        """Return the predictions for a table.

        Raises
        ------
        OSError
            If there is no answer, or not with status 200 (`urllib.error.HTTPError`).
        """
        request = urllib.request.Request(self.url, self.body(table), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return self.predictions(json.load(response))


def check(server: Server, tables: Iterable[Table], predict: Callable[[Table], Sequence[float]]) -> int:
    """Return how many answers of a server were compared with the model's own; each must be the same.

    Tables one after the other, then small ones at once, all of them different.

    Raises
    ------
    SystemExit
        If an answer is wrong.
    """
    if not server.predicts:
        return 0
    alone = list(tables)
    together = [flowers(alone[0].columns, 2, seed) for seed in range(1, 4 * CALLERS + 1)]
    everything = predict(Table(alone[0].columns, tuple(row for table in together for row in table.rows)))
    for table in alone:
        _compare(server, table, server.ask(table), predict(table))
    with ThreadPoolExecutor(CALLERS) as callers:
        for number, answer in enumerate(callers.map(server.ask, together)):
            _compare(server, together[number], answer, everything[2 * number : 2 * number + 2])
    return len(alone) + len(together)


def _compare(server: Server, table: Table, answer: Any, expected: Sequence[float]) -> None:
    if list(expected) != list(answer):
        raise SystemExit(
            f"{server.name} answers {len(table.rows)} rows wrongly, so its speed says nothing.\n"
            f"  expected {str(list(expected))[:200]}\n  answered {str(answer)[:200]}"
        )


def answers(server: Server, table: Table) -> bool:
    """Return whether a server answers by now."""
    try:
        server.ask(table, timeout_s=30)
    except (OSError, ValueError, LookupError, TypeError):
        return False
    return True
