"""What moving the limits would trade: the ROC curve and risk against automation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from core.decision.cluster_intervals import share_interval
from core.report import svg
from core.types import F64

_POINTS = 40


@dataclass(frozen=True)
class Curve:
    """Points ``m`` of a curve.

    Attributes:
        x: float64 ``m``.
        y: float64 ``m``.
        low: float64 ``m``, lower end of a 95 % interval of ``y``, point by point.
        high: float64 ``m``, upper end.
    """

    x: F64
    y: F64
    low: F64
    high: F64


def roc(scores: F64, positive: NDArray[np.bool_]) -> tuple[F64, F64]:
    """Return the corners of the ROC curve, from (0, 0) to (1, 1); equal scores make one slope.

    Args:
        scores: float64 ``n``, higher = more positive.
        positive: bool ``n``, with both kinds present.

    Returns:
        False alarm rate and hit rate, float64 ``m`` each.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0.0, True)
    hits, alarms = np.cumsum(positive[order])[last], np.cumsum(~positive[order])[last]
    return (
        np.concatenate([[0.0], alarms / alarms[-1]]),
        np.concatenate([[0.0], hits / hits[-1]]),
    )


def risk_coverage(
    probability: F64,
    positive: NDArray[np.bool_],
    group: NDArray[Any],
    total: float,
    weight: F64 | None = None,
) -> Curve:
    """Return the share of wrong automatic verdicts against the share of pictures automated.

    The most confident pictures are decided first, each for the likelier side; ties are decided
    together. Source: Geifman and El-Yaniv, NeurIPS 2017.

    Args:
        probability: float64 ``m``, positive probability of the pictures that pass the gates.
        positive: bool ``m``.
        group: ``m``.
        total: All pictures, those that the gates send to review included.
        weight: float64 ``m``, for how many pictures each stands; for itself unless given.

    Returns:
        At most about 40 points; the intervals allow for groups.
    """
    confidence = np.maximum(probability, 1.0 - probability)
    order = np.argsort(-confidence, kind="stable")
    wrong = ((probability >= 0.5) != positive)[order]
    each = np.ones(wrong.size) if weight is None else weight[order]
    ends = np.flatnonzero(np.append(np.diff(confidence[order]) != 0.0, True)) + 1
    if ends.size > _POINTS:
        ends = ends[np.unique(np.linspace(0, ends.size - 1, _POINTS).round().astype(np.intp))]
    bounds = np.array([share_interval(wrong[:n], group[order][:n], each[:n]) for n in ends])
    decided = np.cumsum(each)[ends - 1]
    risk = np.cumsum(each * wrong)[ends - 1] / decided
    return Curve(decided / total, risk, bounds[:, 0], bounds[:, 1])


def draw_roc(
    key: str,
    curve: tuple[F64, F64],
    marked: Sequence[tuple[float, float, str, str]],
    names: tuple[str, str],
) -> Markup:
    """Return the ROC curve.

    Args:
        key: Unique in the page.
        curve: From ``roc``.
        marked: Points to mark: x, y, word and kind.
        names: What positive and negative pictures are called.
    """
    plot = svg.Plot.of((0.0, 1.0), (0.0, 1.0))
    marks = [
        svg.axes(
            plot,
            (f"share of {names[1]} called positive", f"share of {names[0]} found"),
            (svg.percents(0, 1), svg.percents(0, 1)),
        ),
        svg.line(plot, (0.0, 1.0), (0.0, 1.0), "faint"),
        svg.line(plot, *curve, "accent"),
    ]
    for x, y, label, kind in marked:
        px, py = plot.x.one(x), plot.y.one(y)
        marks.append(svg.dots(plot, x, y, kind, 5))
        side = (px - 9, "end") if x > 0.6 else (px + 9, "start")
        marks.append(svg.text(side[0], py + 14, label, f"tag {kind}", side[1]))
    return svg.figure(key, "ROC curve", f"{curve[0].size} corners of the ROC curve.", marks)


def draw_risk(key: str, curve: Curve, policy: tuple[float, float, float, float] | None) -> Markup:
    """Return risk against automation, and where the policy is: share, risk, low, high."""
    top = max(float(curve.y.max()), 0.05, policy[1] if policy else 0.0)
    ceiling = min(1.0, 0.05 * np.ceil(1.6 * top / 0.05))
    plot = svg.Plot.of((0.0, 1.0), (0.0, float(ceiling)))
    marks = [
        svg.axes(
            plot,
            ("share of pictures decided without a person", "share of those decided wrongly"),
            (svg.percents(0, 1), svg.percents(0, ceiling)),
        ),
        svg.band(plot, curve.x, curve.low, curve.high, "accent"),
        svg.line(plot, curve.x, curve.y, "accent"),
    ]
    if policy:
        share, risk, low, high = policy
        marks.append(svg.whiskers(plot, [share], [low], [high], "ink"))
        marks.append(svg.dots(plot, [share], [risk], "ink", 5))
        px = plot.x.one(share)
        side = (px - 9, "end") if share > 0.5 else (px + 9, "start")
        marks.append(svg.text(side[0], plot.y.one(risk) - 9, "this policy", "tag", side[1]))
    return svg.figure(
        key,
        "Risk against automation",
        f"From {100 * curve.y[0]:.1f} % wrong at {100 * curve.x[0]:.0f} % automated to "
        f"{100 * curve.y[-1]:.1f} % wrong at {100 * curve.x[-1]:.0f} % automated.",
        marks,
    )
