"""What audited verdicts say of a certificate: the live escape rate, and whether it has risen.

Of the automatic negatives a share q is drawn for a person, everything else that reaches the limits
is read anyway. Of the positive cases that people find a share

    theta = alpha q / (1 - alpha + alpha q)

was then an audited escape where alpha is the escape rate, that of the certificate: escapes over all
positive cases that pass the gates. theta grows with alpha, so that a bound on the one is a bound on
the other, and a test of ``theta <= theta(alpha)`` one of the rate that was certified.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.decision.certificate import interval
from core.decision.martingales import Martingale
from core.decision.rate import Rate
from core.types import F64

FRACTIONS = tuple(2.0**-j for j in range(1, 12))
"""Shares of the wealth that the bets against a rate put at stake."""


@dataclass(frozen=True, slots=True)
class FoundPositive:
    """A positive case that a person found, or that waits for one to say that it is none.

    Attributes:
        is_escape: Whether its verdict was negative, so that only the audit draw brought it up.
        draw_probability: With which probability it was drawn, or would have been, inside (0, 1].
    """

    is_escape: bool
    draw_probability: float

    def __post_init__(self) -> None:
        """Refuse a probability by which nothing is ever drawn.

        Raises:
            ValueError: As above.
        """
        if not 0.0 < self.draw_probability <= 1.0:
            raise ValueError(
                f"draw_probability: expected above 0 and up to 1, got {self.draw_probability}"
            )


@dataclass(frozen=True, slots=True)
class EscapeEstimate:
    """The live escape rate.

    Attributes:
        escapes: Audited escapes.
        found: Positive cases that people found, these included.
        value: Escape rate, each audited escape counting for the 1/q cases that it stands for
            (Horvitz and Thompson, JASA 47, 1952); NaN where no positive case was found.
        low: Lower end of its 95 % interval.
        high: Upper end.
    """

    escapes: int
    found: int
    value: float
    low: float
    high: float


def found_share(alpha: float, draw_probability: float) -> float:
    """Return the share of audited escapes among the positive cases found, at an escape rate."""
    return alpha * draw_probability / (1.0 - alpha + alpha * draw_probability)


def escape_rate(theta: float, draw_probability: float) -> float:
    """Return the escape rate at which a share of the positive cases found are audited escapes."""
    return theta / (draw_probability * (1.0 - theta) + theta)


def estimate_escapes(found: Sequence[FoundPositive]) -> EscapeEstimate:
    """Return the live escape rate with its 95 % interval.

    Exact where all draw probabilities are equal (Clopper-Pearson on the cases found, turned into
    escape rates); where they differ, the ends are those of the probability that makes the interval
    widest.

    Args:
        found: Positive cases, independent of each other.
    """
    n, k = len(found), sum(one.is_escape for one in found)
    weight = math.fsum(1.0 / one.draw_probability for one in found if one.is_escape)
    value = weight / (weight + n - k) if n else math.nan
    if not n:
        return EscapeEstimate(0, 0, value, 0.0, 1.0)
    low, high = interval(k, n)
    q = [one.draw_probability for one in found]
    return EscapeEstimate(k, n, value, escape_rate(low, max(q)), escape_rate(high, min(q)))


def bet_on_escapes(one: FoundPositive, alpha: float) -> F64:
    """Return the log factors of bets that the escape rate is above alpha, float64 ``b``.

    Source: Waudby-Smith and Ramdas, as in `core.decision.martingales`: ``1 + l (x - m)`` with
    ``l = c / m`` for each c of FRACTIONS.

    Args:
        one: The positive case.
        alpha: The rate that was certified, inside (0, 1).
    """
    m, c = found_share(alpha, one.draw_probability), np.array(FRACTIONS)
    return np.asarray(np.log1p(c * ((1.0 / m if one.is_escape else 0.0) - 1.0)))


def bet_against_rate(found: Sequence[FoundPositive], alpha: float) -> list[float]:
    """Return the log wealth after each positive case, against an escape rate of alpha at most.

    Args:
        found: Positive cases in the order in which they were decided.
        alpha: The rate that was certified, inside (0, 1).
    """
    martingale, path = Martingale.fresh(len(FRACTIONS)), []
    for one in found:
        martingale = martingale.after(bet_on_escapes(one, alpha))
        path.append(martingale.log)
    return path


def estimate_residual(positive: int, audited: int) -> Rate:
    """Return the share of positive cases among the automatic negatives, by the audit draw.

    Args:
        positive: Audited negatives that a person called positive.
        audited: Audited negatives that a person has read.
    """
    return Rate.independent(positive, audited)


def coverage_over_time(hits: Sequence[bool], blocks: int = 12, least: int = 20) -> list[Rate]:
    """Return how often the true label was in its label set, in blocks of equally many cases.

    Args:
        hits: Whether it was, in the order of time.
        blocks: At most so many.
        least: Cases in a block at the least; one block of fewer where there are no more.
    """
    if not hits:
        return []
    number = max(1, min(blocks, len(hits) // least))
    parts = np.array_split(np.array(hits, np.bool_), number)
    return [Rate.independent(int(part.sum()), int(part.size)) for part in parts]
