"""What the out-of-distribution scores of new pictures are compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.types import F64

REFERENCE = 9999  # scores kept: p-values come in steps of 1 in 10,000
VARIATION_FACTOR = 3  # At a gate of 1 % at most about 3 % of harmless variations fail it.
BOUND_FACTOR = 2  # What is allowed to all variations, kept for one kind that scores high.


def widen_reference(own: F64, varied: Sequence[F64]) -> F64:
    """Return the scores that others are compared with, float64 ``n``, ascending.

    The p-value among them is the largest of several: among the training pictures, a third
    (``VARIATION_FACTOR``) of that among all varied ones, and likewise among each group of them. So
    ordinary pictures fail the gate at most at the nominal rate and varied ones at three times that:
    at the same rate corruptions that resemble them would pass. A group's own limit, which rests on
    its few highest scores, goes no further than where all varied ones fail at twice the nominal
    rate (``BOUND_FACTOR``): beyond it whole unseen classes passed.

    Args:
        own: float64 ``n``, scores of the training pictures.
        varied: Scores of the varied ones, a group each limit; an empty group sets none.
    """
    together = np.concatenate([own[:0], *varied])
    groups = [_limit(len(own), scores, VARIATION_FACTOR) for scores in varied]
    apart = np.minimum(
        np.max(groups, axis=0, initial=-np.inf), _limit(len(own), together, BOUND_FACTOR)
    )
    shared = _limit(len(own), together, VARIATION_FACTOR)
    return np.asarray(np.maximum.reduce([np.sort(own), shared, apart]))


def _limit(n: int, scores: F64, factor: int) -> F64:
    """Return the scores that so many times the nominal rate of varied pictures reach.

    Args:
        n: Number of training pictures, one nominal rate each, from the highest to the lowest.
        scores: float64 ``m``, of the varied pictures.
        factor: Times the nominal rate.

    Returns:
        float64 ``n``, ascending; -inf where all of them may fail, or none is there.
    """
    rank = np.arange(n, 0, -1)
    passed = np.maximum(factor * rank * (len(scores) + 1) // (n + 1), 1)
    beyond = np.sort(np.append(scores, -np.inf))  # below all varied ones only the own count
    return np.asarray(beyond[np.maximum(len(scores) + 1 - passed, 0)])


def thin_reference(reference: F64, most: int) -> F64:
    """Return at most so many of ascending scores, evenly by rank.

    A new score is beyond the i-th of them with the probability that p-values state, or a smaller
    one where the ranks do not come out even.
    """
    if len(reference) <= most:
        return reference
    rank = -(-np.arange(1, most + 1) * (len(reference) + 1) // (most + 1))
    return reference[rank - 1]
