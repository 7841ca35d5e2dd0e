"""Intervals of figures counted over pictures that come in groups.

Pictures of one part, patient or field are alike, so intervals that take them for independent are
too narrow. With one picture a group these are the familiar intervals.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy  # special functions take a tenth of a second: loaded by their first use
from numpy.typing import NDArray

from core.types import F64

_TAIL = 0.025


def share_interval(
    hit: NDArray[np.bool_], group: NDArray[Any], weight: F64 | None = None
) -> tuple[float, float]:
    """Return the two-sided 95 % interval of a share of pictures.

    Clopper-Pearson at the effective number of pictures, which the spread between groups gives and
    which is never more than there are, or than unequal weights leave of them (Kish, Survey
    Sampling, 1965). Source: Korn and Graubard, Survey Methodology 24 (1998).

    Args:
        hit: bool ``n``.
        group: ``n``.
        weight: float64 ``n``, above 0: for how many pictures each stands; for itself unless given.

    Returns:
        (low, high); (0.0, 1.0) for fewer than two groups, whose spread cannot be estimated.

    Raises:
        ValueError: The arrays differ in shape.
    """
    if hit.ndim != 1 or group.shape != hit.shape:
        raise ValueError(f"hit, group: expected equal (n,), got {hit.shape}, {group.shape}")
    member = np.unique(group, return_inverse=True)[1]
    groups = int(member.max(initial=-1)) + 1
    weight = np.ones(hit.size) if weight is None else weight
    total = float(weight.sum())
    size = total**2 / max(float(weight @ weight), 1e-300)
    if groups < 2 or size < 2.0:
        return 0.0, 1.0
    p = float(weight @ hit) / total
    # Counts are exact in any order of the pictures, sums of rounded differences are not.
    excess = np.bincount(member, weight * hit, groups) - p * np.bincount(member, weight, groups)
    n = _effective(size / total * excess, size, p * (1.0 - p))
    k = p * n
    low = 0.0 if k <= 0.0 else float(scipy.special.betaincinv(k, n - k + 1.0, _TAIL))
    high = 1.0 if k >= n else float(scipy.special.betaincinv(k + 1.0, n - k, 1.0 - _TAIL))
    return low, high


def _effective(excess: F64, n: float, variance: float) -> float:
    """Return the effective number of pictures; the number of groups at most when all agree.

    Args:
        excess: float64 ``groups``, hits of each group above what its size lets expect.
        n: Number of pictures, as unequal weights leave of them.
        variance: Of one picture.
    """
    groups = excess.size
    if variance == 0.0:
        return min(float(groups), n)
    spread = groups / (groups - 1) * float(excess @ excess) / n**2
    freedom = (
        float(scipy.special.stdtrit(n - 1, _TAIL) / scipy.special.stdtrit(groups - 1, _TAIL)) ** 2
    )
    if spread == 0.0:
        return n
    return min(n / (n - 1) * variance / spread * freedom, n)


def auroc_interval(
    scores: F64, positive: NDArray[np.bool_], group: NDArray[Any], *, tail: float = _TAIL
) -> tuple[float, float]:
    """Return the two-sided interval (95 % by default) of the area under the ROC curve.

    On the logit of the area, with the variance of DeLong et al. (Biometrics 44, 1988) over groups
    as in Obuchowski (Biometrics 53, 1997), and Student's t with the degrees of freedom of Brunner
    and Munzel (Biometrical Journal 42, 2000), since few groups estimate their spread badly. Where
    every positive scores above every negative the
    variance is zero and no estimate; there the bound is exact: m pairs of distinct groups are all
    in order with probability at most ``area^m``.

    Args:
        scores: float64 ``n``, higher = more positive.
        positive: bool ``n``.
        group: ``n``.
        tail: Probability left out on either side.

    Returns:
        (low, high); NaN when one of the two kinds is missing, (0.0, 1.0) where one kind has but a
        single group.

    Raises:
        ValueError: The arrays differ in shape.
    """
    if scores.ndim != 1 or not positive.shape == group.shape == scores.shape:
        raise ValueError(
            f"scores, positive, group: expected equal (n,), got {scores.shape}, "
            f"{positive.shape}, {group.shape}"
        )
    member = np.unique(group, return_inverse=True)[1]
    groups = int(member.max(initial=-1)) + 1
    kinds = [np.unique(member[positive]).size, np.unique(member[~positive]).size]
    if not all(kinds):
        return math.nan, math.nan
    if min(kinds) < 2:
        return 0.0, 1.0
    above, below = _placements(scores, positive)
    area = float(above.mean())
    if not 0.0 < area < 1.0:
        edge = tail ** (1.0 / min(*kinds, groups // 2))
        return (edge, 1.0) if area >= 1.0 else (0.0, 1.0 - edge)
    ups = np.bincount(member[positive], above - area, groups) / above.size
    downs = np.bincount(member[~positive], below - area, groups) / below.size
    parts = np.array([float(ups @ ups), float(downs @ downs)]) * kinds / np.subtract(kinds, 1)
    variance = parts.sum() + 2.0 * groups / (groups - 1) * float(ups @ downs)
    freedom = parts.sum() ** 2 / float((parts**2 / np.subtract(kinds, 1)).sum())
    half = (
        -float(scipy.special.stdtrit(freedom, tail))
        * math.sqrt(max(variance, 0.0))
        / (area * (1.0 - area))
    )
    middle = math.log(area / (1.0 - area))
    return _logistic(middle - half), _logistic(middle + half)


def _placements(scores: F64, positive: NDArray[np.bool_]) -> tuple[F64, F64]:
    """Return shares of negatives below each positive and positives above each negative."""
    from scipy.stats import rankdata  # takes half a second: imported where it is used

    rank = rankdata(scores)
    ups, downs = scores[positive], scores[~positive]
    above: F64 = (rank[positive] - rankdata(ups)) / downs.size
    below: F64 = 1.0 - (rank[~positive] - rankdata(downs)) / ups.size
    return above, below


def _logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x > -700.0 else 0.0
