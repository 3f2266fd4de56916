"""The plot: requests a second and p99 over connections, a panel for each number of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.running import CEILING, DIRECT, OURS

STYLES: dict[str, dict[str, Any]] = {
    OURS: {"color": "#c1121f", "linewidth": 2.8, "marker": "o", "zorder": 5},
    DIRECT: {"color": "#c1121f", "linewidth": 1.4, "marker": "o", "markerfacecolor": "white", "linestyle": "--"},
    CEILING: {"color": "#777777", "linewidth": 1.2, "marker": "", "linestyle": ":"},
    "azmlinfsrv": {"color": "#003f88", "marker": "s"},
    "mlflow": {"color": "#0096c7", "marker": "^"},
    "mlserver": {"color": "#2d6a4f", "marker": "D"},
    "litserve": {"color": "#7b2cbf", "marker": "v"},
    "bentoml": {"color": "#e07a00", "marker": "P"},
}
FIGURES = (("rate", "requests/s (more is better)"), ("p99_ms", "p99, ms (less is better)"))


def draw(loads: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the loads of one model as a PNG."""
    alone = [one for one in loads if not one["beside"]]
    counts = sorted({one["rows"] for one in alone})
    figure, panels = plt.subplots(
        len(FIGURES), len(counts), figsize=(3.9 * len(counts) + 0.6, 7.4), sharey="row", squeeze=False
    )
    for line, (name, label) in zip(panels, FIGURES, strict=True):
        for panel, rows in zip(line, counts, strict=True):
            _lines(panel, [one for one in alone if one["rows"] == rows], name)
        line[0].set_ylabel(label)
    for panel, rows in zip(panels[0], counts, strict=True):
        panel.set_title(f"{rows:,} rows a request")
    for panel in panels[-1]:
        panel.set_xlabel("connections")
    first: Axes = panels.flat[0]
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=min(8, len(labels)), frameon=False)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _lines(panel: Axes, loads: Sequence[Mapping[str, Any]], name: str) -> None:
    connections = sorted({one["connections"] for one in loads})
    for server in dict.fromkeys(one["server"] for one in loads):
        points = sorted((one["connections"], one["median"][name]) for one in loads if one["server"] == server)
        places = [connections.index(count) for count, _ in points]
        panel.plot(places, [value for _, value in points], label=server, **{"linewidth": 1.5, **STYLES.get(server, {})})
    panel.set_xticks(range(len(connections)), [str(count) for count in connections])
    panel.margins(x=0.08)
    panel.set_yscale("log")
    panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.grid(visible=True, axis="y", color="#dddddd", linewidth=0.7)
    panel.tick_params(labelleft=True)
    panel.spines[["top", "right"]].set_visible(False)
