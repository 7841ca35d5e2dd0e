"""A rate as it is counted, with its 95 % interval, and the one way in which it is written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.decision.certificate import interval
from core.decision.cluster_intervals import share_interval

NONE = "–"
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Rate:
    """A count out of a number, with its two-sided 95 % interval.

    Attributes:
        k: Counted, 0 to ``n``.
        n: Looked at; 0 where there was nothing to look at.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    k: int
    n: int
    low: float
    high: float

    def __post_init__(self) -> None:
        """Check the count and the interval."""
        if not 0 <= self.k <= self.n or not 0.0 <= self.low <= self.high <= 1.0:
            raise ValueError(
                f"expected 0 <= k <= n and 0 <= low <= high <= 1, got {self.k} of {self.n}, "
                f"{self.low} to {self.high}"
            )

    @classmethod
    def independent(cls, k: int, n: int) -> Self:
        """Return the rate of k in n independent cases, such as groups (Clopper-Pearson).

        Raises:
            ValueError: k is not within 0 to n.
        """
        return cls(k, n, *interval(k, n))

    @classmethod
    def from_groups(cls, hit: NDArray[np.bool_], group: NDArray[Any]) -> Self:
        """Return the rate of cases that come in groups, which `share_interval` allows for.

        Args:
            hit: bool ``n``.
            group: ``n``.

        Raises:
            ValueError: The arrays differ in shape.
        """
        return cls(int(hit.sum()), int(hit.size), *share_interval(hit, group))

    @classmethod
    def from_json(cls, figures: Mapping[str, Any]) -> Self:
        """Return the rate that ``to_json`` wrote."""
        return cls(figures["k"], figures["n"], figures["low"], figures["high"])

    @property
    def value(self) -> float:
        """``k / n``; NaN where there was nothing to look at."""
        return self.k / self.n if self.n else math.nan

    def to_json(self) -> dict[str, Any]:
        """Return it as figures of ``assay evaluate --json``."""
        return {"rate": self.value, "low": self.low, "high": self.high, "n": self.n, "k": self.k}

    def describe(self, excluded: int = 0) -> str:
        """Return it as text: ``2.6 % (5 of 192; 95 % interval 0.849 to 5.98 %)``.

        Args:
            excluded: Cases that the gates sent to review, which are named beside it.
        """
        aside = f"; {excluded:,} sent to review by the gates" if excluded else ""
        if not self.n:
            return f"none seen{aside}"
        return (
            f"{percentage(self.value)} ({self.k:,} of {self.n:,}; "
            f"{describe_interval(self.low, self.high)}{aside})"
        )

    def describe_briefly(self) -> str:
        """Return it for a table whose head names the interval: ``2.6 % (0.849 to 5.98 %)``."""
        interval_text = percent_range(self.low, self.high)
        return f"{percentage(self.value)} ({interval_text})" if self.n else NONE


def percentage(value: float) -> str:
    """Return a share in per cent, to three significant digits; a dash for NaN."""
    return NONE if math.isnan(value) else f"{100.0 * value:.{_DIGITS}g} %"


def describe_interval(low: float, high: float) -> str:
    """Return the interval of a share with its level: ``95 % interval 0.849 to 5.98 %``."""
    return f"95 % interval {percent_range(low, high)}"


def describe_share(value: float, interval: tuple[float, float]) -> str:
    """Return a share with its interval: ``2.6 % (95 % interval 0.849 to 5.98 %)``."""
    return f"{percentage(value)} ({describe_interval(*interval)})"


def percent_range(low: float, high: float) -> str:
    """Return an interval of a share, rounded outwards: ``0.849 to 5.98 %``."""
    return f"{_rounded(low, math.floor)} to {_rounded(high, math.ceil)} %"


def _rounded(value: float, towards: Callable[[float], int]) -> str:
    if value <= 0.0:
        return "0"
    digit = 10.0 ** (math.floor(math.log10(100.0 * value)) + 1 - _DIGITS)
    # The tolerance keeps rounding errors (5.000000000000001) from costing a whole digit.
    steps = 100.0 * value / digit
    near = round(steps)
    return f"{(near if abs(steps - near) < 1e-9 * steps else towards(steps)) * digit:.{_DIGITS}g}"
