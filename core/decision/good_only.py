"""Overkill bounded with good groups alone: a one-sided jackknife+ p-value.

The next picture is compared with each good group in turn, both scored by a memory bank without
either of them (jackknife+; Barber et al. 2021, arXiv 1905.02928, for a one-sided score). Of n + 1
exchangeable groups at most ``2 j - 1`` can score higher than all but ``j - 1`` of the others: of
two such groups compared with each other, one scores lower. So ``(2 j - 1) / (n + 1)`` is a p-value,
exact for the highest group and twice the plain rank for the rest. It holds on average over draws
of the good groups; a certificate, which holds with a stated confidence, takes held-out ones.
"""

from __future__ import annotations

import math

import numpy as np

from core.decision.certificate_text import percent
from core.types import F64, GoodOnly


def jackknife_p(scores: F64, group_scores: F64) -> float:
    """Return the p-value of a picture among good groups: small = anomalous.

    Args:
        scores: float64 ``n``, the picture's score by the memory bank without each good group.
        group_scores: float64 ``n``, that group's own score by the same bank, the largest of its
            pictures.

    Returns:
        The p-value, inside (0, 1]: a picture of a group exchangeable with the good ones has
        ``P(p <= alpha) <= alpha``. NaN where a score is.

    Raises:
        ValueError: The two are not equally long ``(n,)``.
    """
    if scores.ndim != 1 or scores.shape != group_scores.shape:
        raise ValueError(
            f"scores, group_scores: expected equal (n,), got {scores.shape}, {group_scores.shape}"
        )
    if np.isnan(scores).any() or np.isnan(group_scores).any():
        return math.nan
    rank = 1 + int(np.count_nonzero(group_scores >= scores))
    return min(1.0, (2 * rank - 1) / (group_scores.size + 1))


def bound_overkill(n: int, alpha: float) -> GoodOnly:
    """Return which overkill rate n good groups bound, for a picture called out at ``p <= alpha``.

    Args:
        n: Good groups in the memory bank.
        alpha: The overkill rate asked for.

    Raises:
        ValueError: n is negative or alpha no rate.
    """
    if n < 0 or not 0.0 <= alpha <= 1.0:
        raise ValueError(f"n, alpha: expected n >= 0 and a rate, got {n} and {alpha}")
    return GoodOnly(n, alpha, alpha if n and best_alpha(n) <= alpha else None)


def best_alpha(n: int) -> float:
    """Return the smallest overkill rate that n good groups bound."""
    return 1.0 / (n + 1)


def groups_needed(alpha: float) -> int | None:
    """Return how many good groups bound an overkill rate; None where no number would do."""
    if alpha <= 0.0:
        return None
    n = max(1, math.ceil(1.0 / alpha) - 2)
    while best_alpha(n) > alpha:
        n += 1
    return n


def describe_bound(found: GoodOnly, word: str, unit: str) -> str:
    """Return what the good groups bound, in one or two plain sentences.

    Args:
        found: The bound.
        word: The domain's word for the error, singular: ``overkill``.
        unit: The domain's words for what is counted, plural: ``good groups``.
    """
    n, alpha = found.n, found.alpha
    if found.level is not None:
        return (
            f"On average at most {percent(found.level)} of {unit} are called out: each new one is "
            f"compared with {n} {unit}, by a memory that knows neither. This holds over draws "
            f"of those {n}, not with a confidence."
        )
    enough = groups_needed(alpha)
    more = f"{enough - n} more make {percent(alpha)}" if enough else "no number makes 0 %"
    return f"{n} {unit}: {word} can be bounded at {percent(best_alpha(n))} at best; {more}."
