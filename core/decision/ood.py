"""Out-of-distribution test: conformal p-values of distances to the training images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.cluster_intervals import share_interval
from core.types import F64


def conformal_p(scores: F64, reference: F64) -> F64:
    """Return conformal p-values of OOD scores: ``(1 + #{reference >= score}) / (m + 1)``.

    For an image exchangeable with the reference, P(p <= alpha) <= alpha. Source: Vovk, Gammerman
    and Shafer, Algorithmic Learning in a Random World (2005); Bates et al., arXiv 2104.08279.

    Args:
        scores: float64 ``n``, higher = more out of distribution.
        reference: float64 ``m``, scores of in-distribution images; may be empty (p is 1 then).

    Returns:
        float64 ``n`` inside (0, 1]; 0 where the score is NaN, so that the gate flags it.

    Raises:
        ValueError: The arrays are not one-dimensional or the reference holds a NaN.
    """
    ordered = _ordered(reference)
    if scores.ndim != 1:
        raise ValueError(f"scores: expected axes (n,), got shape {scores.shape}")
    at_least = ordered.size - np.searchsorted(ordered, scores, side="left")
    return np.where(np.isnan(scores), 0.0, (1.0 + at_least) / (ordered.size + 1.0))


def conformal_p_one(score: float, ordered: F64) -> float:
    """Return the conformal p-value of one score, as ``conformal_p`` does.

    Args:
        score: Higher = more out of distribution.
        ordered: float64 ``m``, ascending and without NaN, which is not checked here.
    """
    if math.isnan(score):
        return 0.0
    at_least = ordered.size - int(ordered.searchsorted(score, side="left"))
    return (1.0 + at_least) / (ordered.size + 1.0)


def _ordered(reference: F64) -> F64:
    if reference.ndim != 1 or np.isnan(reference).any():
        raise ValueError(f"reference: expected (m,) without NaN, got shape {reference.shape}")
    return np.sort(reference)


def false_alarm(ood_p: F64, alpha: float, group: NDArray[Any]) -> tuple[float, float, float, int]:
    """Return the share of in-distribution images that the gate flags, as (rate, low, high, n).

    The two-sided 95 % interval is counted over groups: ``cluster_intervals.share_interval``.

    Args:
        ood_p: float64 ``n``, p-values of in-distribution images; NaN counts as flagged.
        alpha: The gate flags ``ood_p <= alpha``.
        group: ``n``, the part, patient or field of each image.
    """
    flagged = ~(ood_p > alpha)
    low, high = share_interval(flagged, group)
    return (float(flagged.mean()) if flagged.size else 0.0), low, high, int(flagged.size)
