"""Overkill bounded with good groups alone: every one of them stands in for the next.

The next picture is compared with each good group in turn, both scored by a memory that knows
neither of them (jackknife+; Barber et al. 2021, arXiv 1905.02928, for a one-sided score). Of n + 1
exchangeable groups at most ``2 j - 1`` can be stranger than all but ``j - 1`` of the others: two
such groups meet each other, and one of them loses. So ``(2 j - 1) / (n + 1)`` is a p-value, exact
for the group that beats all others and twice the plain rank for the rest. It holds on average over
draws of the good groups; a certificate, which holds with a stated confidence, takes held-out ones.
"""

from __future__ import annotations

import math

import numpy as np

from core.decision.certificate import percent
from core.types import F64, GoodOnly


def cross_p(scores: F64, held: F64) -> float:
    """Say how surely a picture is no stranger than good ones: small = stranger.

    Args:
        scores: float64 ``n``, the picture's score by the memory without each good group.
        held: float64 ``n``, that group's own score by the same memory, the largest of its pictures.

    Returns:
        The p-value, inside (0, 1]: a picture of a group exchangeable with the good ones has
        ``P(p <= alpha) <= alpha``. NaN where a score is.

    Raises:
        ValueError: The two are not equally long ``(n,)``.
    """
    if scores.ndim != 1 or scores.shape != held.shape:
        raise ValueError(f"scores, held: expected equal (n,), got {scores.shape}, {held.shape}")
    if np.isnan(scores).any() or np.isnan(held).any():
        return math.nan
    rank = 1 + int(np.count_nonzero(held >= scores))
    return min(1.0, (2 * rank - 1) / (held.size + 1))


def bound(n: int, alpha: float) -> GoodOnly:
    """State which overkill rate n good groups bound, for a picture called out at ``p <= alpha``.

    Args:
        n: Good groups in the memory.
        alpha: The overkill rate asked for.

    Raises:
        ValueError: n is negative or alpha no rate.
    """
    if n < 0 or not 0.0 <= alpha <= 1.0:
        raise ValueError(f"n, alpha: expected n >= 0 and a rate, got {n} and {alpha}")
    return GoodOnly(n, alpha, alpha if n and reachable(n) <= alpha else None)


def reachable(n: int) -> float:
    """Give the smallest overkill rate that n good groups bound."""
    return 1.0 / (n + 1)


def needed(alpha: float) -> int | None:
    """Count the good groups that bound an overkill rate; None where no number would do."""
    if alpha <= 0.0:
        return None
    n = max(1, math.ceil(1.0 / alpha) - 2)
    while reachable(n) > alpha:
        n += 1
    return n


def in_words(said: GoodOnly, word: str, unit: str) -> str:
    """Say in one or two plain sentences what the good groups bound.

    Args:
        said: What to say.
        word: The domain's word for the error, singular: ``overkill``.
        unit: The domain's words for what is counted, plural: ``good groups``.
    """
    if said.level is not None:
        return (
            f"On average at most {percent(said.level)} of {unit} are called out: each new one is "
            f"compared with {said.n} {unit}, by a memory that knows neither. This holds over draws "
            f"of those {said.n}, not with a confidence."
        )
    enough = needed(said.alpha)
    way = f"{enough - said.n} more make {percent(said.alpha)}" if enough else "no number makes 0 %"
    return f"{said.n} {unit}: {word} can be bounded at {percent(reachable(said.n))} at best; {way}."
