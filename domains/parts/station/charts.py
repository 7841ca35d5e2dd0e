"""The two charts of a line, from its parts: the share rejected, and the level of the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import F64
from domains.parts.station.nelson import RULES
from domains.parts.station.part import InspectedPart
from domains.parts.station.result import LineReason, LineResult
from domains.parts.station.spc import Counts, EwmaChart, PChart, logit, sample

BASELINE_SAMPLES = 20
SAMPLE_SIZE = 50

_FIRST_OF_ACQUISITION = LineReason.FRAME_STALE.number


@dataclass(frozen=True, slots=True)
class ShareChart:
    """The p-chart of the share rejected for what the pictures show.

    Attributes:
        chart: Its centre and where its limits come from.
        first: Number of the first part of each of the ``m`` samples.
        rejected: ``m`` rejected parts.
        n: ``m`` parts; the last sample may be under way.
        low: ``m`` lower limits of the share.
        high: ``m`` upper limits.
        outside: bool ``m``: beyond its limits.
        rules: Numbers of Nelson's rules 2 to 8 that a sample ends the pattern of, by sample. They
            say something only where at least 5 rejected parts are expected in each sample.
    """

    chart: PChart
    first: Counts
    rejected: Counts
    n: Counts
    low: F64
    high: F64
    outside: NDArray[np.bool_]
    rules: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class LevelChart:
    """The EWMA of the score, in log-odds.

    Attributes:
        chart: Its baseline.
        number: Number of each of the ``n`` parts.
        average: ``n`` moving averages.
        low: ``n`` lower limits.
        high: ``n`` upper limits.
        outside: bool ``n``: beyond its limits.
    """

    chart: EwmaChart
    number: Counts
    average: F64
    low: F64
    high: F64
    outside: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LineCharts:
    """Both charts; None where there are too few parts for a baseline.

    Attributes:
        share: The share rejected.
        level: The level of the score.
        left_out: Parts that were not judged by their picture, such as late ones: they are about the
            station, not of the product.
    """

    share: ShareChart | None
    level: LevelChart | None
    left_out: int


def line_charts(
    parts: Sequence[InspectedPart],
    *,
    size: int = SAMPLE_SIZE,
    baseline: int = BASELINE_SAMPLES,
) -> LineCharts:
    """Return the charts of the parts that the newest part's recipe and bundle judged.

    Another recipe or bundle is another process, with a baseline of its own: its first samples, up
    to ``baseline``. Reference parts are left out.

    Args:
        parts: In any order.
        size: Parts a sample.
        baseline: Samples of the baseline.

    Raises:
        ValueError: The size is below 1, or the baseline below 2 samples.
    """
    if size < 1 or baseline < 2:
        raise ValueError(f"expected size >= 1 and baseline >= 2, got {size} and {baseline}")
    line = sorted(
        (part for part in parts if not part.trigger.challenge), key=lambda one: one.trigger.number
    )
    if not line:
        return LineCharts(None, None, 0)
    newest = line[-1]
    same = [one for one in line if _process(one) == _process(newest)]
    judged = [one for one in same if _is_judged(one)]
    numbers = np.array([one.trigger.number for one in judged], np.intp)
    return LineCharts(
        _share_chart(judged, numbers, size, baseline),
        _level_chart(judged, numbers, size * baseline),
        len(same) - len(judged),
    )


def _process(part: InspectedPart) -> tuple[int, str]:
    return part.trigger.recipe, part.bundle_sha256


def _is_judged(part: InspectedPart) -> bool:
    """Return whether what became of a part follows from its picture alone."""
    of_picture = all(reason.number < _FIRST_OF_ACQUISITION for reason in part.reasons)
    return part.score is not None and of_picture


def _share_chart(
    judged: Sequence[InspectedPart], numbers: Counts, size: int, baseline: int
) -> ShareChart | None:
    rejected, n = sample(
        np.array([one.result is not LineResult.PASS for one in judged], np.bool_), size
    )
    whole = int((n[:baseline] == size).sum())
    if whole < 2:
        return None
    chart = PChart.fit(rejected[:whole], n[:whole])
    z = chart.standardise(rejected, n)
    marks = [(rule.number, rule.mark(z)) for rule in RULES[1:]]
    low, high = chart.limits(n)
    return ShareChart(
        chart,
        numbers[::size],
        rejected,
        n,
        low,
        high,
        chart.signals(rejected, n),
        tuple(tuple(k for k, marked in marks if marked[place]) for place in range(n.size)),
    )


def _level_chart(
    judged: Sequence[InspectedPart], numbers: Counts, baseline: int
) -> LevelChart | None:
    values = logit(np.array([one.score for one in judged], np.float64))
    first = values[:baseline]
    if first.size < 2 or not float(np.ptp(first)) > 0.0:
        return None
    chart = EwmaChart.fit(first)
    low, high = chart.limits(values.size)
    return LevelChart(chart, numbers, chart.average(values), low, high, chart.signals(values))
