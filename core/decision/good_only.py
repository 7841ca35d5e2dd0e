"""Overkill bounded with good groups alone: a conformal p-value by leaving one out.

The next picture is scored by a memory of all good groups, and each good group by a memory of the
others. Were the picture a good one like them, full conformal prediction (Vovk, Gammerman and Shafer
2005) would score all ``n + 1`` groups alike, each by a memory of all the others, the new one among
them; the rank of the new one is then exact: of ``n + 1`` exchangeable groups at most ``j`` have a
rank of ``j`` or less. One group more to be near to only lowers a good group's score, so its score
without the new one, times what the new one can lengthen distances by, bounds it from above and the
p-value here is never smaller than the exact one. It holds on average over draws of the good groups;
a certificate, which holds with a stated confidence, takes held-out ones.
"""

from __future__ import annotations

import math

import numpy as np

from core.decision.certificate_text import percent
from core.types import F64, GoodOnly


def leave_one_out_p(score: float, group_scores: F64) -> float:
    """Return the p-value of a picture among good groups: small = anomalous.

    Args:
        score: The picture's score by the memory bank of all good groups.
        group_scores: float64 ``n``, at least the score that each good group, the largest of its
            pictures', would have by a memory of the others and of the picture's group.

    Returns:
        The p-value, inside (0, 1]: a picture of a group exchangeable with the good ones has
        ``P(p <= alpha) <= alpha``. NaN where a score is.

    Raises:
        ValueError: ``group_scores`` is no ``(n,)``.
    """
    if group_scores.ndim != 1:
        raise ValueError(f"group_scores: expected (n,), got {group_scores.shape}")
    if math.isnan(score) or np.isnan(group_scores).any():
        return math.nan
    return (1 + int(np.count_nonzero(group_scores >= score))) / (group_scores.size + 1)


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
            f"ranked among {n} {unit}, each scored by a memory of the others. This holds over "
            f"draws of those {n}, not with a confidence."
        )
    enough = groups_needed(alpha)
    more = f"{enough - n} more make {percent(alpha)}" if enough else "no number makes 0 %"
    return f"{n} {unit}: {word} can be bounded at {percent(best_alpha(n))} at best; {more}."
