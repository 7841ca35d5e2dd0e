"""The reliability diagram and the histogram of probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from core.decision.metrics import BINS
from core.report import svg
from core.types import F64

_REPEATS = 1000
_PANEL = 108


@dataclass(frozen=True)
class Reliability:
    """Bins of equal mass, axis ``m``, ordered by probability.

    Attributes:
        stated: float64 ``m``, mean probability.
        observed: float64 ``m``, how often it came true.
        low: float64 ``m``, what 97.5 % of perfect predictors show at least.
        high: float64 ``m``, what 97.5 % of them show at most.
        count: int ``m``, pictures.
    """

    stated: F64
    observed: F64
    low: F64
    high: F64
    count: NDArray[np.intp]


def reliability(
    stated: F64, true: NDArray[np.bool_], seed: int = 0, bins: int = BINS
) -> Reliability:
    """Return stated probabilities compared with observed frequencies.

    The bins are those of ``metrics.ece``. The band holds, bin by bin, 95 % of the perfect
    predictors that state these very probabilities (consistency bars: Bröcker and Smith, Weather
    and Forecasting 22, 2007), simulated.

    Args:
        stated: float64 ``n``, at least one.
        true: bool ``n``.
        seed: Of the simulated outcomes.
        bins: Number of bins.
    """
    from scipy.stats import rankdata  # takes half a second: imported where it is used

    place = (bins * (rankdata(stated) - 0.5) / stated.size).astype(np.int64)
    order = np.argsort(place, kind="stable")
    starts = np.unique(place[order], return_index=True)[1]
    count = np.diff(np.append(starts, stated.size))
    draws = np.random.default_rng(seed).random((stated.size, _REPEATS)) < stated[order, None]
    perfect = np.add.reduceat(draws, starts, axis=0, dtype=np.int64) / count[:, None]
    low, high = np.quantile(perfect, (0.025, 0.975), axis=1)
    return Reliability(
        stated=np.add.reduceat(stated[order], starts) / count,
        observed=np.add.reduceat(true[order].astype(np.float64), starts) / count,
        low=low,
        high=high,
        count=count,
    )


def draw_reliability(key: str, found: Reliability, outcome: str) -> Markup:
    """Return frequency against probability with the band of a perfect predictor."""
    plot = svg.Plot.of((0.0, 1.0), (0.0, 1.0))
    outside = int(np.sum((found.observed < found.low) | (found.observed > found.high)))
    size = 2.5 + 2.5 * np.sqrt(found.count / found.count.max())
    marks = [
        svg.axes(
            plot,
            (f"stated probability of {outcome}", "how often it was true"),
            (svg.percents(0, 1), svg.percents(0, 1)),
        ),
        svg.band(plot, found.stated, found.low, found.high, "defer"),
        svg.line(plot, (0.0, 1.0), (0.0, 1.0), "faint"),
        svg.line(plot, found.stated, found.observed, "accent"),
        *(
            svg.dots(plot, x, y, "accent", round(float(r), 2))
            for x, y, r in zip(found.stated, found.observed, size, strict=True)
        ),
    ]
    return svg.figure(
        key,
        "Reliability diagram",
        f"{found.count.size} groups of pictures of equal probability; in {outside} of them the "
        "observed frequency lies outside the band that a perfect predictor would show.",
        marks,
    )


def draw_probabilities(
    key: str,
    stated: F64,
    true: NDArray[np.bool_],
    limits: tuple[tuple[float | None, str], tuple[float | None, str]],
    names: tuple[str, str],
) -> Markup:
    """Return how the probabilities spread, the truly positive above, the truly negative below.

    Args:
        key: Unique in the page.
        stated: float64 ``n``, positive probability.
        true: bool ``n``.
        limits: The negative and the positive limit, each with its name.
        names: What positive and negative pictures are called.
    """
    edges = np.linspace(0.0, 1.0, 26)
    marks = []
    for row, (side, name, kind) in enumerate(
        ((true, names[0], "positive"), (~true, names[1], "negative"))
    ):
        heights = np.histogram(stated[side], edges)[0]
        most = max(int(heights.max()), 1)
        top = svg.TOP + 14 + row * (_PANEL + 22)
        plot = svg.Plot.of((0.0, 1.0), (0.0, most), top=top, bottom=top + _PANEL)
        ticks = [(0.0, "0"), (float(most), f"{most}")]
        last = row == 1
        across = svg.percents(0, 1) if last else []
        label = "stated probability of positive" if last else ""
        marks.append(svg.axes(plot, (label, "pictures"), (across, ticks)))
        marks.append(svg.bars(plot, edges, heights, kind))
        marks.append(svg.text(plot.x.start, top - 4, f"truly {name}: {int(side.sum())}", "tag"))
        for (limit, word), tone in zip(limits, ("negative", "positive"), strict=True):
            if limit is not None:
                near_right = limit > 0.7 if tone == "positive" else limit > 0.25
                limit_label = word if row == 0 else ""
                marks.append(svg.upright(plot, limit, tone, limit_label, left=near_right))
    return svg.figure(
        key,
        "Histogram of probabilities",
        f"{int(true.sum())} {names[0]} and {int((~true).sum())} {names[1]} by stated probability.",
        marks,
    )
