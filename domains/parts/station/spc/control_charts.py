"""Control charts and rates of a line: shares of rejected parts, and the level of the score.

All functions are pure. Limits come from a baseline, a stretch of the line that somebody has
looked at and accepted, and stay until the next one: limits that follow the data follow a fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.decision.rate import Rate
from core.types import F64
from domains.parts.station.part import InspectedPart
from domains.parts.station.result import LineReason, LineResult

Counts = NDArray[np.intp]

_TAIL = 0.00135  # beyond three sigma of a normal variable, on one side
_MOVING_RANGE = 1.128  # expected range of two normal points in sigmas (d2)
_OVERDISPERSED = 0.01
_ENOUGH = 20
_RUN_RULES = 5.0


class PChartLimits(StrEnum):
    """How the limits of a p-chart are found."""

    EXACT = "exact binomial"
    LANEY = "Laney p'"


@dataclass(frozen=True, slots=True)
class PChart:
    """A p-chart with limits from a baseline; samples may differ in size.

    Exact binomial limits unless the baseline varies more from sample to sample than chance allows:
    then every limit would be crossed all the time, and Laney's limits, wider by that factor, are
    used. Three-sigma limits do not serve at the small shares of a good line: with samples of 100
    parts and a share of 0.5 % chance crosses the upper one 10 times as often as 0.135 %.

    Sources: Laney, "Improved control charts for attributes", Quality Engineering 14 (2002);
    dispersion by the chi-square test of homogeneity.

    Attributes:
        p: Share of the baseline.
        sigma_z: How much more the baseline varies than binomial samples would; 1 as they would.
        dispersion_p: p-value of the baseline's dispersion.
        limits_by: Exact or Laney.
        samples: Samples in the baseline.
        parts: Parts in the baseline.
        reason: Why these limits, in a sentence.
    """

    p: float
    sigma_z: float
    dispersion_p: float
    limits_by: PChartLimits
    samples: int
    parts: int
    reason: str

    @classmethod
    def fit(cls, rejected: Counts, n: Counts) -> Self:
        """Return the chart of a baseline.

        Args:
            rejected: ``m`` rejected parts of each sample, in the order of time.
            n: ``m`` parts of each sample.

        Raises:
            ValueError: Fewer than two samples, an empty sample, or more rejected than parts.
        """
        _check(rejected, n)
        parts = int(n.sum())
        counted = int(rejected.sum())
        # No error seen is no proof of none: half an error stands for it (Jeffreys).
        p = min(max(counted, 0.5), parts - 0.5) / parts
        sigma_z, dispersion_p = _dispersion(rejected, n, p)
        is_laney = dispersion_p < _OVERDISPERSED and sigma_z > 1.0
        kind = PChartLimits.LANEY if is_laney else PChartLimits.EXACT
        reason = _reason(kind, sigma_z, dispersion_p, n.size)
        return cls(p, sigma_z, dispersion_p, kind, int(n.size), parts, reason)

    @property
    def is_provisional(self) -> bool:
        """Whether the baseline has fewer than 20 samples."""
        return self.samples < _ENOUGH

    def limits(self, n: Counts) -> tuple[F64, F64]:
        """Return the lower and the upper limit of the share in samples of ``n`` parts.

        A sample signals when its share lies outside; 0 and 1 are limits that nothing crosses.
        """
        if self.limits_by is PChartLimits.LANEY:
            return three_sigma_limits(self.p, n, self.sigma_z)
        return exact_limits(self.p, n)

    def signals(self, rejected: Counts, n: Counts) -> NDArray[np.bool_]:
        """Return which samples lie outside the limits; an empty sample does not."""
        share = _share(rejected, n)
        low, high = self.limits(n)
        # A share is one division and a limit another: they may differ in the last digit.
        outside: NDArray[np.bool_] = (share < low - 1e-12) | (share > high + 1e-12)
        return outside

    def standardise(self, rejected: Counts, n: Counts) -> F64:
        """Return the samples in sigmas from the centre, for the rules of `nelson`.

        NaN where the rules do not hold: on a sample with fewer than 5 rejected or 5 passed parts
        expected, whose share is far from normal (at 0.2 expected, nine in a row without any would
        be the rule, not the exception).
        """
        spread = self.sigma_z if self.limits_by is PChartLimits.LANEY else 1.0
        z = (_share(rejected, n) - self.p) / (_sigma(self.p, n) * spread)
        usual = n * min(self.p, 1.0 - self.p) >= _RUN_RULES
        standardised: F64 = np.where(usual, z, np.nan)
        return standardised


def exact_limits(p: float, n: Counts) -> tuple[F64, F64]:
    """Return the limits beyond which chance puts a share with 0.135 % at most, on either side."""
    from scipy.stats import binom  # takes half a second: imported where a chart is drawn

    size = np.maximum(n, 1)
    low = np.asarray(binom.ppf(_TAIL, size, p), np.float64) / size
    high = np.asarray(binom.isf(_TAIL, size, p), np.float64) / size
    return low, high


def three_sigma_limits(p: float, n: Counts, sigma_z: float = 1.0) -> tuple[F64, F64]:
    """Return ``p`` minus and plus three sigma, times Laney's factor, cut at 0 and 1."""
    half = 3.0 * _sigma(p, n) * sigma_z
    return np.clip(p - half, 0.0, 1.0), np.clip(p + half, 0.0, 1.0)


def sample(rejected: NDArray[np.bool_], size: int) -> tuple[Counts, Counts]:
    """Return the rejected and all parts of each sample; the last may be short.

    Args:
        rejected: bool ``n`` by part, in the order of time.
        size: Parts a sample.
    """
    starts = np.arange(0, rejected.size, size)
    if not starts.size:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    counts = np.add.reduceat(rejected.astype(np.intp), starts)
    return counts, np.diff(np.append(starts, rejected.size))


@dataclass(frozen=True, slots=True)
class EwmaChart:
    """An EWMA chart: small, lasting shifts of a level, such as that of the score.

    With the weight 0.1 and limits of 2.814 sigma it alarms falsely once in 500 points, and takes
    about 10 to find a shift of one sigma. A weight this small also bears scores that are not
    normal. Sources: Lucas and Saccucci, Technometrics 32 (1990); Borror, Montgomery and Runger,
    Journal of Quality Technology 31 (1999).

    Attributes:
        mean: Mean of the baseline.
        sd: Standard deviation of the baseline.
        weight: Of the newest point, in (0, 1].
        width: Limits in sigmas of the moving average.
    """

    mean: float
    sd: float
    weight: float = 0.1
    width: float = 2.814

    @classmethod
    def fit(cls, values: F64, weight: float = 0.1, width: float = 2.814) -> Self:
        """Return the chart of a baseline.

        Raises:
            ValueError: Fewer than two values, or all are the same.
        """
        if values.size < 2 or not float(np.ptp(values)) > 0.0:
            raise ValueError(f"EWMA: expected two different values or more, got {values.size}")
        return cls(float(values.mean()), float(values.std(ddof=1)), weight, width)

    def average(self, values: F64) -> F64:
        """Return the moving average after each value, starting from the baseline's mean."""
        averages = np.empty(values.size)
        last = self.mean
        for place, value in enumerate(values):
            last = self.weight * float(value) + (1.0 - self.weight) * last
            averages[place] = last
        return averages

    def limits(self, count: int) -> tuple[F64, F64]:
        """Return the limits after 1 to ``count`` points; they widen to their final distance."""
        w = self.weight
        grown = 1.0 - (1.0 - w) ** (2.0 * np.arange(1, count + 1))
        half = self.width * self.sd * np.sqrt(w / (2.0 - w) * grown)
        return self.mean - half, self.mean + half

    def signals(self, values: F64) -> NDArray[np.bool_]:
        """Return after which values the moving average lies outside the limits."""
        averages = self.average(values)
        low, high = self.limits(values.size)
        outside: NDArray[np.bool_] = (averages < low) | (averages > high)
        return outside


def logit(score: F64) -> F64:
    """Return the log-odds of probabilities, cut at a millionth: near 0 and 1 they spread evenly."""
    p = np.clip(score, 1e-6, 1.0 - 1e-6)
    odds: F64 = np.log(p / (1.0 - p))
    return odds


@dataclass(frozen=True, slots=True)
class LineRates:
    """What became of the parts of a line; reference parts are left out.

    The intervals take parts for independent of each other.

    Attributes:
        passed: Parts passed, of all.
        failed: Parts rejected, of all.
        stopped: Parts at which the line was stopped, of all.
        by_reason: Parts by their gravest reason, of all, the most frequent first.
    """

    passed: Rate
    failed: Rate
    stopped: Rate
    by_reason: dict[LineReason, Rate]


def line_rates(parts: Iterable[InspectedPart]) -> LineRates:
    """Return the rates of parts, without the reference parts among them."""
    counted = [part for part in parts if not part.trigger.challenge]
    n = len(counted)
    results = Counter(part.result for part in counted)
    reasons = Counter(part.reasons[0] for part in counted if part.reasons)
    passed, failed, stopped = (Rate.independent(results[one], n) for one in LineResult)
    by_reason = {reason: Rate.independent(k, n) for reason, k in reasons.most_common()}
    return LineRates(passed, failed, stopped, by_reason)


def _check(rejected: Counts, n: Counts) -> None:
    if rejected.shape != n.shape or n.ndim != 1 or n.size < 2:
        raise ValueError(
            f"rejected, n: expected equal (m,), m >= 2, got {rejected.shape}, {n.shape}"
        )
    if (n < 1).any() or (rejected < 0).any() or (rejected > n).any():
        raise ValueError("expected n >= 1 and 0 <= rejected <= n in every sample")


def _dispersion(rejected: Counts, n: Counts, p: float) -> tuple[float, float]:
    from scipy.stats import chi2

    z = (rejected / n - p) / _sigma(p, n)
    sigma_z = float(np.abs(np.diff(z)).mean()) / _MOVING_RANGE
    return sigma_z, float(chi2.sf(float(z @ z), n.size - 1))


def _reason(kind: PChartLimits, sigma_z: float, dispersion_p: float, samples: int) -> str:
    few = f" The baseline has {samples} samples; {_ENOUGH} are asked." if samples < _ENOUGH else ""
    found = f"(chi-square test p = {dispersion_p:.2g}, sigma z = {sigma_z:.2f})"
    if kind is PChartLimits.LANEY:
        return f"Laney p' limits: the baseline varies more than binomial samples do {found}.{few}"
    return f"Exact binomial limits: the baseline varies as binomial samples do {found}.{few}"


def _sigma(p: float, n: Counts) -> F64:
    sigma: F64 = np.sqrt(p * (1.0 - p) / np.maximum(n, 1))
    return sigma


def _share(rejected: Counts, n: Counts) -> F64:
    """Return the shares; NaN for an empty sample."""
    share: F64 = np.where(n > 0, rejected / np.maximum(n, 1), np.nan)
    return share
