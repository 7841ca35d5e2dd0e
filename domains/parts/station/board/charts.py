"""The board's control charts as numbers: shares of samples, and the level of the score.

Limits come from the baseline that a person accepted. Until then they come from the first samples at
hand and are marked provisional. Nelson's rules are for points that are independent of each other:
they are applied to the samples, never to the moving average, whose points are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import F64
from domains.parts.station.part import InspectedPart
from domains.parts.station.result import LineResult
from domains.parts.station.spc.control_charts import EwmaChart, PChart, logit, sample
from domains.parts.station.spc.nelson import RULES

SAMPLE = 50
SCORE_SAMPLE = 10
PROVISIONAL_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class RuleMark:
    """A point that a rule marks.

    Attributes:
        place: Its place on the chart.
        rule: Number of the rule; 0 for a point outside the chart's own limits.
        sentence: What it does and what that usually comes from.
    """

    place: int
    rule: int
    sentence: str


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart ready to be drawn; every array has one value a sample.

    Attributes:
        numbers: Number of the last part of each sample.
        values: The samples.
        line: What is held against the limits: the samples themselves, or their moving average.
        low: Lower limit.
        high: Upper limit.
        centre: Centre line.
        marks: Points that a rule marks, in the order of time.
        note: What the limits come from.
        is_provisional: Whether no baseline was accepted, or one too short.
    """

    numbers: NDArray[np.intp]
    values: F64
    line: F64
    low: F64
    high: F64
    centre: float
    marks: tuple[RuleMark, ...]
    note: str
    is_provisional: bool


def share_chart(
    parts: Sequence[InspectedPart], baseline: Sequence[InspectedPart] = (), size: int = SAMPLE
) -> ChartView | None:
    """Return the p-chart of rejected parts; None with fewer than two samples.

    Args:
        parts: Parts of one product, the oldest first; what does not fill a sample is left out.
        baseline: Parts of the accepted baseline, the oldest first; empty where there is none.
        size: Parts a sample.
    """
    rejected, n = _samples(parts, size)
    if n.size < 2:
        return None
    base_rejected, base_n = _samples(baseline, size)
    has_baseline = base_n.size >= 2
    first = slice(0, PROVISIONAL_SAMPLES)
    chart = PChart.fit(base_rejected, base_n) if has_baseline else PChart.fit(
        rejected[first], n[first]
    )  # fmt: skip
    share = rejected / n
    low, high = chart.limits(n)
    outside = np.flatnonzero(chart.signals(rejected, n))
    marks = [RuleMark(int(at), 0, "The share lies outside its limits.") for at in outside]
    marks += rule_marks(chart.standardise(rejected, n))
    return ChartView(
        _last_numbers(parts, size, n.size), share, share, low, high, chart.p, _ordered(marks),
        _note(chart.reason, has_baseline), chart.is_provisional or not has_baseline,
    )  # fmt: skip


def score_chart(
    parts: Sequence[InspectedPart],
    baseline: Sequence[InspectedPart] = (),
    size: int = SCORE_SAMPLE,
) -> ChartView | None:
    """Return the EWMA of the mean log-odds of each sample; None where no limits can be found.

    Args:
        parts: Parts of one product, the oldest first; what has no score is left out.
        baseline: Parts of the accepted baseline, the oldest first; empty where there is none.
        size: Parts a sample.
    """
    scored = [part for part in parts if part.score is not None]
    means, base = _means(scored, size), _means(baseline, size)
    has_baseline = base.size >= 2 and float(np.ptp(base)) > 0.0
    fitted = base if has_baseline else means[:PROVISIONAL_SAMPLES]
    if means.size < 2 or fitted.size < 2 or not float(np.ptp(fitted)) > 0.0:
        return None
    chart = EwmaChart.fit(fitted)
    low, high = chart.limits(means.size)
    outside = np.flatnonzero(chart.signals(means))
    marks = [
        RuleMark(int(at), 0, "The moving average lies outside its limits: the level has shifted.")
        for at in outside
    ]
    marks += rule_marks((means - chart.mean) / chart.sd)
    return ChartView(
        _last_numbers(scored, size, means.size), means, chart.average(means), low, high,
        chart.mean, _ordered(marks), _note("", has_baseline),
        not has_baseline or fitted.size < PROVISIONAL_SAMPLES,
    )  # fmt: skip


def rule_marks(z: F64) -> list[RuleMark]:
    """Return the points that Nelson's rules mark among standardised samples."""
    return [
        RuleMark(int(at), rule.number, f"{rule.sentence} {rule.hint}")
        for rule in RULES
        for at in np.flatnonzero(rule.mark(z))
    ]


def newest_marks(view: ChartView, most: int = 3) -> list[str]:
    """Return what the rules say of the newest marked points, each rule once, newest first."""
    lines: dict[int, str] = {}
    for mark in reversed(view.marks):
        name = f"Nelson rule {mark.rule}" if mark.rule else "Limit"
        lines.setdefault(mark.rule, f"{name}, at part {view.numbers[mark.place]}: {mark.sentence}")
    return list(lines.values())[:most]


def _samples(
    parts: Sequence[InspectedPart], size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rejected and all parts of every full sample."""
    full = len(parts) // size * size
    rejected = [part.result is not LineResult.PASS for part in parts[:full]]
    return sample(np.array(rejected, np.bool_), size)


def _means(parts: Sequence[InspectedPart], size: int) -> F64:
    scores = [part.score for part in parts if part.score is not None]
    full = len(scores) // size * size
    levels = logit(np.array(scores[:full], np.float64))
    means: F64 = levels.reshape(-1, size).mean(axis=1)
    return means


def _last_numbers(parts: Sequence[InspectedPart], size: int, count: int) -> NDArray[np.intp]:
    return np.array([parts[(at + 1) * size - 1].trigger.number for at in range(count)], np.intp)


def _ordered(marks: list[RuleMark]) -> tuple[RuleMark, ...]:
    return tuple(sorted(marks, key=lambda mark: (mark.place, mark.rule)))


def _note(reason: str, has_baseline: bool) -> str:
    whose = "" if has_baseline else (
        "No baseline was accepted: the limits come from the first samples shown, provisionally."
    )  # fmt: skip
    return " ".join(filter(None, [whose, reason]))
