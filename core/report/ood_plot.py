"""OOD scores of ordinary pictures against those of an out-of-distribution set."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from core.report import svg
from core.types import F64

_PANEL = 108
_MOST_TICKS = 7


def draw_ood_scores(key: str, id_scores: F64, ood_scores: F64, limit: float, name: str) -> Markup:
    """Return two histograms of OOD scores, ordinary pictures above the other set, on a log scale.

    Args:
        key: Unique in the page.
        id_scores: float64 ``n``, above 0, of ordinary (in-distribution) pictures.
        ood_scores: float64 ``m``, above 0.
        limit: The score from which on a picture is sent to review; infinity for never.
        name: Of the out-of-distribution set, untrusted text.
    """
    both = np.maximum(np.concatenate([id_scores, ood_scores]), 1e-12)
    low, high = float(both.min()), float(both.max())
    low, high = (low / 1.1, high * 1.1)
    edges = np.geomspace(low, high, 31)
    marks = []
    for row, (scores, label_text, kind) in enumerate(
        ((id_scores, "ordinary pictures", "negative"), (ood_scores, name, "defer"))
    ):
        heights = np.histogram(np.maximum(scores, 1e-12), edges)[0]
        most = max(int(heights.max()), 1)
        top = svg.TOP + 14 + row * (_PANEL + 22)
        plot = svg.Plot.of((low, high), (0.0, most), log_x=True, top=top, bottom=top + _PANEL)
        across = _decades(low, high) if row else []
        label = "OOD score (log scale)" if row else ""
        ticks = [(0.0, "0"), (float(most), f"{most}")]
        marks.append(svg.axes(plot, (label, "pictures"), (across, ticks)))
        marks.append(svg.bars(plot, edges, heights, kind))
        marks.append(svg.text(plot.x.start, top - 4, f"{label_text}: {scores.size}", "tag"))
        if low < limit < high:
            label_text = "" if row else "sent to review from here"
            marks.append(svg.upright(plot, limit, "ink", label_text))
    return svg.figure(
        key,
        "OOD scores of ordinary and out-of-distribution pictures",
        f"{id_scores.size} ordinary pictures, median score {np.median(id_scores):.3g}; "
        f"{ood_scores.size} of {name}, median score {np.median(ood_scores):.3g}.",
        marks,
    )


def _decades(low: float, high: float) -> list[tuple[float, str]]:
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    powers = powers[:: -(-len(powers) // _MOST_TICKS)]  # a score of 0 spans twelve decades
    steps = (1.0,) if len(powers) > 3 else (1.0, 2.0, 5.0)
    values = sorted(s * 10.0**p for p in powers for s in steps)
    return [(v, f"{v:.3g}") for v in values if low <= v <= high]
