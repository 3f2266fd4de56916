"""The plot is drawn."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image

from bench.plot import draw
from tests.bench.test_goals import record


def test_plot_has_a_panel_for_each_number_of_rows(tmp_path: Path) -> None:
    """More numbers of rows make a wider picture."""
    narrow, wide = tmp_path / "narrow.png", tmp_path / "wide.png"
    few = [record("puncheon", count) for count in (1, 32)]

    draw(few, narrow)
    draw([*few, *(record("puncheon", count, 100) for count in (1, 32))], wide)

    assert matplotlib.image.imread(wide).shape[1] > 1.5 * matplotlib.image.imread(narrow).shape[1]
