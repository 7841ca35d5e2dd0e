"""Error rates of verdicts, over all cases and by groups of them, from the answers of people.

Cases that passed come to a person by the audit draw alone: each answer then stands for the 1/q
cases that it was drawn from (Horvitz and Thompson, JASA 47, 1952). A rate over answers without
that would be one of the cases that the model chose.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.decision.back_test import CALLS_OUT, PASSES, PastVerdicts, estimate_errors
from core.decision.rate import NONE, describe_interval, percent_range, percentage

MOST_GROUPS = 12


@dataclass(frozen=True, slots=True)
class EstimatedRate:
    """Share of the cases decided one way that are wrong, with its 95 % interval.

    Attributes:
        n: Answers that it rests on.
        total: Cases decided that way.
        value: The estimate; NaN where some of them have no answer to stand for them.
        low: Lower end of the interval.
        high: Upper end.
    """

    n: int
    total: int
    value: float
    low: float
    high: float

    def describe(self) -> str:
        """Return it as text: ``5 % (95 % interval 1 to 9 %; 40 answers stand for 800 cases)``."""
        if not self.total:
            return "none decided so"
        stands = f"{self.n:,} answers stand for {self.total:,} cases"
        if math.isnan(self.value):
            return f"not known yet ({stands})"
        return f"{percentage(self.value)} ({describe_interval(self.low, self.high)}; {stands})"

    def describe_briefly(self) -> str:
        """Return it for a table whose head names the interval: ``5 % (1 to 9 %)``."""
        if math.isnan(self.value):
            return NONE
        return f"{percentage(self.value)} ({percent_range(self.low, self.high)})"


@dataclass(frozen=True, slots=True)
class SubgroupRates:
    """The rates of the cases that have one value in common.

    Attributes:
        name: The value.
        cases: How many cases there are.
        escapes: Positive ones among those that passed.
        overkills: Negative ones among those called out.
    """

    name: str
    cases: int
    escapes: EstimatedRate
    overkills: EstimatedRate


def estimate_rate(
    past: PastVerdicts, decided: NDArray[np.bool_], wrong_answer: int
) -> EstimatedRate:
    """Return which share of the cases decided one way are wrong.

    Args:
        past: The cases.
        decided: bool ``c``, those decided that way.
        wrong_answer: The answer, a place in ``SEVERITY``, that makes it an error.
    """
    found = estimate_errors(past, decided, wrong_answer)
    if not found.total:
        return EstimatedRate(0, 0, math.nan, 0.0, 1.0)
    value = math.nan if found.value is None else found.value / found.total
    return EstimatedRate(
        found.looked_at, found.total, value, found.low / found.total, found.high / found.total
    )


def rates_by(past: PastVerdicts, values: Sequence[tuple[str, ...]]) -> list[SubgroupRates]:
    """Return the rates of every value, those of most cases first; none where all have the same.

    Args:
        past: The cases.
        values: The values of each case, in their order; a case counts in each of its own.
    """
    counted = Counter(one for own in values for one in set(own) if one)
    if len(counted) < 2:
        return []
    names = [name for name, _ in counted.most_common(MOST_GROUPS)]
    return [_rates_of(past, name, values) for name in names]


def _rates_of(past: PastVerdicts, name: str, values: Sequence[tuple[str, ...]]) -> SubgroupRates:
    mine = np.array([name in own for own in values], np.bool_)
    return SubgroupRates(
        name,
        int(mine.sum()),
        estimate_rate(past, mine & (past.given == PASSES), CALLS_OUT),
        estimate_rate(past, mine & (past.given == CALLS_OUT), PASSES),
    )
