"""How far a rate has moved, with an interval, and whether that shows a difference at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.decision.rate import Rate


@dataclass(frozen=True, slots=True)
class RateChange:
    """The later rate minus the earlier one, with its two-sided 95 % interval.

    Attributes:
        value: Difference; NaN where one of the two has nothing to look at.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    @property
    def is_shown(self) -> bool:
        """Whether the interval leaves out "no difference"."""
        return not math.isnan(self.value) and not self.low <= 0.0 <= self.high

    def describe(self) -> str:
        """Return it in percentage points: ``+2.1 points (0.4 to 3.9)``."""
        if math.isnan(self.value):
            return "nothing to compare with"
        points = f"{100 * self.value:+.1f} points ({100 * self.low:.1f} to {100 * self.high:.1f})"
        return points if self.is_shown else f"no difference shown: {points}"


def rate_change(later: Rate, earlier: Rate) -> RateChange:
    """Return how far a rate moved between two independent counts.

    From the intervals of the two rates, each as wide as pictures of one case being alike makes it
    (MOVER: Zou and Donner, Statistics in Medicine 27, 2008; with Wilson's intervals it is method 10
    of Newcombe, Statistics in Medicine 17, 1998).
    """
    if not later.n or not earlier.n:
        return RateChange(math.nan, -1.0, 1.0)
    difference = later.value - earlier.value
    down = math.hypot(later.value - later.low, earlier.high - earlier.value)
    up = math.hypot(later.high - later.value, earlier.value - earlier.low)
    return RateChange(difference, max(-1.0, difference - down), min(1.0, difference + up))
