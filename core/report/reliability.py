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
        error: Expected calibration error: mean of |stated - observed| over the pictures.
        floor: What a perfect predictor would show as that, on average.
    """

    stated: F64
    observed: F64
    low: F64
    high: F64
    count: NDArray[np.intp]
    error: float
    floor: float


def reliability(
    stated: F64,
    true: NDArray[np.bool_],
    weight: F64 | None = None,
    seed: int = 0,
    bins: int = BINS,
) -> Reliability:
    """Return stated probabilities compared with observed frequencies.

    The bins are those of ``metrics.ece``. The band holds, bin by bin, 95 % of the perfect
    predictors that state these very probabilities (consistency bars: Bröcker and Smith, Weather
    and Forecasting 22, 2007), simulated.

    Args:
        stated: float64 ``n``, at least one.
        true: bool ``n``.
        weight: float64 ``n``, above 0: for how many pictures each stands; for itself unless given.
        seed: Of the simulated outcomes.
        bins: Number of bins.
    """
    weight = np.ones(stated.size) if weight is None else weight
    place = (bins * _middle_rank(stated, weight) / weight.sum()).astype(np.int64)
    order = np.argsort(place, kind="stable")
    starts = np.unique(place[order], return_index=True)[1]
    stated, true, weight = stated[order], true[order], weight[order]
    mass = np.add.reduceat(weight, starts)
    draws = np.random.default_rng(seed).random((stated.size, _REPEATS)) < stated[:, None]
    parts = np.split(np.arange(stated.size), starts[1:])
    perfect = np.stack([weight[part] @ draws[part] for part in parts]) / mass[:, None]
    low, high = np.quantile(perfect, (0.025, 0.975), axis=1)
    mean, observed = (np.add.reduceat(weight * one, starts) / mass for one in (stated, true))
    share = mass / mass.sum()
    return Reliability(
        stated=mean,
        observed=observed,
        low=low,
        high=high,
        count=np.diff(np.append(starts, stated.size)),
        error=float(share @ np.abs(mean - observed)),
        floor=float((share @ np.abs(mean[:, None] - perfect)).mean()),
    )


def _middle_rank(stated: F64, weight: F64) -> F64:
    """Return how many pictures state less than each, half of its equals included."""
    member = np.unique(stated, return_inverse=True)[1]
    equal = np.bincount(member, weight)
    middle: F64 = (np.cumsum(equal) - 0.5 * equal)[member]
    return middle


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
