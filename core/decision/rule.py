"""The decision rule on arrays; counting, certifying and deciding all use it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.types import F64, Disposition

_SLACK = 1e-9  # a sum of rounded probabilities may pass 1 by a few units in the last place


def is_probability(values: F64) -> NDArray[np.bool_]:
    """Return which values are probabilities: NaN, infinities and values outside [0, 1] are not."""
    inside: NDArray[np.bool_] = np.abs(values - 0.5) <= 0.5 + _SLACK
    return inside


def is_admitted(
    positive_probability: F64, ood_p: F64, gates_passed: NDArray[np.bool_], ood_alpha: float
) -> NDArray[np.bool_]:
    """Return which images reach the limits: gates passed, valid scores, not out of distribution."""
    known = is_probability(positive_probability) & is_probability(ood_p)
    return gates_passed & known & (ood_p > ood_alpha)


def judge(
    positive_probability: F64, reached: NDArray[np.bool_], t_neg: float | None, t_pos: float | None
) -> NDArray[np.str_]:
    """Return the Disposition value of each image: negative iff p <= t_neg, positive iff p >= t_pos.

    Args:
        positive_probability: float64 ``n``.
        reached: bool ``n``, from ``is_admitted``; the others are deferred.
        t_neg: None lets nothing through.
        t_pos: None calls nothing out. Where limits made by hand overlap, positive wins.
    """
    made = np.full(positive_probability.shape, Disposition.DEFER.value, dtype="<U8")
    if t_neg is not None:
        made[reached & (positive_probability <= t_neg)] = Disposition.NEGATIVE.value
    if t_pos is not None:
        made[reached & (positive_probability >= t_pos)] = Disposition.POSITIVE.value
    return made


def judge_one(
    positive_probability: float,
    ood_p: float,
    *,
    gates_passed: bool,
    ood_alpha: float,
    t_neg: float | None,
    t_pos: float | None,
    good_p: float = 1.0,
    good_level: float | None = None,
) -> Disposition:
    """Return the disposition of one image without arrays, which cost too much on a line.

    An image is called out by the limit, or by a ``good_p`` at most what good groups bound.
    """
    known = is_probability_one(positive_probability) and is_probability_one(ood_p)
    if not (gates_passed and known and ood_p > ood_alpha):
        return Disposition.DEFER
    if t_pos is not None and positive_probability >= t_pos:
        return Disposition.POSITIVE
    if good_level is not None and good_p <= good_level:
        return Disposition.POSITIVE
    if t_neg is not None and positive_probability <= t_neg:
        return Disposition.NEGATIVE
    return Disposition.DEFER


def is_probability_one(value: float) -> bool:
    """Return whether one value is a probability, as ``is_probability`` does for many."""
    return abs(value - 0.5) <= 0.5 + _SLACK
