"""How strange pictures look to the gate: ordinary ones against those that do not belong."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from core.report import svg
from core.types import F64

_PANEL = 108


def draw_strangers(key: str, home: F64, away: F64, limit: float, name: str) -> Markup:
    """Draw the OOD scores of ordinary pictures above those of strangers, on a log scale.

    Args:
        key: Unique in the page.
        home: float64 ``n``, above 0; higher = stranger.
        away: float64 ``m``, above 0.
        limit: The score from which on the gate holds a picture back; infinity for never.
        name: Of the set of strangers, a stranger's text.
    """
    both = np.maximum(np.concatenate([home, away]), 1e-12)
    low, high = float(both.min()), float(both.max())
    low, high = (low / 1.1, high * 1.1)
    edges = np.geomspace(low, high, 31)
    marks = []
    for row, (scores, words, kind) in enumerate(
        ((home, "ordinary pictures", "negative"), (away, f"strangers: {name}", "defer"))
    ):
        heights = np.histogram(np.maximum(scores, 1e-12), edges)[0]
        most = max(int(heights.max()), 1)
        top = svg.TOP + 14 + row * (_PANEL + 22)
        plot = svg.Plot.of((low, high), (0.0, most), log_x=True, top=top, bottom=top + _PANEL)
        across = _decades(low, high) if row else []
        label = "strangeness (OOD score, log scale)" if row else ""
        ticks = [(0.0, "0"), (float(most), f"{most}")]
        marks.append(svg.axes(plot, (label, "pictures"), (across, ticks)))
        marks.append(svg.bars(plot, edges, heights, kind))
        marks.append(svg.text(plot.x.start, top - 4, f"{words}: {scores.size}", "tag"))
        if low < limit < high:
            words = "" if row else "held back from here"
            marks.append(svg.upright(plot, limit, "ink", words))
    return svg.figure(
        key,
        "Strangeness of ordinary pictures and of strangers",
        f"{home.size} ordinary pictures, median score {np.median(home):.3g}; {away.size} of "
        f"{name}, median score {np.median(away):.3g}.",
        marks,
    )


def _decades(low: float, high: float) -> list[tuple[float, str]]:
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    steps = (1.0,) if len(powers) > 3 else (1.0, 2.0, 5.0)
    values = sorted(s * 10.0**p for p in powers for s in steps)
    return [(v, f"{v:.3g}") for v in values if low <= v <= high]
