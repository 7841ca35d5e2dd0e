"""How strange an image is: conformal p-values of distances to the training images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.decision.certificate import interval
from core.types import F64

_TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True, eq=False)
class Fusion:
    """What makes the scores of several detectors comparable.

    Attributes:
        location: float64 ``d``, mean log score of ordinary images, per detector.
        scale: float64 ``d``, standard deviation of the same, positive.
    """

    location: F64
    scale: F64

    def __post_init__(self) -> None:
        """Refuse shapes that differ and scales that cannot divide.

        Raises:
            ValueError: The arrays are not two equal (d,), finite, with positive scales.
        """
        if self.location.ndim != 1 or self.location.shape != self.scale.shape:
            raise ValueError(
                f"location, scale: expected two (d,), got {self.location.shape}, {self.scale.shape}"
            )
        if not (np.isfinite(self.location).all() and np.isfinite(self.scale).all()):
            raise ValueError("location, scale: expected finite values")
        if not (self.scale > 0.0).all():
            raise ValueError(f"scale: expected positive values, got {self.scale}")


def fit_fusion(scores: F64) -> Fusion:
    """Learn how each detector scores ordinary images.

    Args:
        scores: float64 ``m d``, distances of training images from models that did not see them
            (out-of-fold), higher = stranger, 0 at least. Rows with a non-finite score are ignored.

    Raises:
        ValueError: The scores are not ``m d`` or no row is finite.
    """
    if scores.ndim != 2:
        raise ValueError(f"scores: expected axes (m, d), got shape {scores.shape}")
    logs = _logs(scores[np.isfinite(scores).all(axis=1)])
    if logs.shape[0] == 0:
        raise ValueError("scores: expected at least one finite row, got none")
    spread = logs.std(axis=0)
    return Fusion(logs.mean(axis=0), np.where(spread > 0.0, spread, 1.0))


def fuse(fusion: Fusion, scores: F64) -> F64:
    """Give each image the loudest of its detectors.

    The maximum flags what *any* detector finds strange; logarithms make the distances of
    detectors with different units and skewed tails comparable.

    Args:
        fusion: Learned by ``fit_fusion``.
        scores: float64 ``n d``, higher = stranger.

    Returns:
        float64 ``n``; NaN where any detector says NaN.

    Raises:
        ValueError: The scores do not have the fusion's number of detectors.
    """
    if scores.ndim != 2 or scores.shape[1] != fusion.location.size:
        raise ValueError(f"scores: expected (n, {fusion.location.size}), got {scores.shape}")
    fused: F64 = ((_logs(scores) - fusion.location) / fusion.scale).max(axis=1)
    return fused


def _logs(scores: F64) -> F64:
    return np.log(np.maximum(scores, _TINY))


def conformal_p(scores: F64, reference: F64) -> F64:
    """Compare scores with those of ordinary images: ``(1 + #{reference >= score}) / (m + 1)``.

    For an image exchangeable with the reference, P(p <= alpha) <= alpha. Source: Vovk, Gammerman
    and Shafer, Algorithmic Learning in a Random World (2005); Bates et al., arXiv 2104.08279.

    Args:
        scores: float64 ``n``, higher = stranger.
        reference: float64 ``m``, scores of ordinary images; may be empty (every p is 1 then).

    Returns:
        float64 ``n`` inside (0, 1]; 0 where the score is NaN, so that the gate flags it.

    Raises:
        ValueError: The arrays are not one-dimensional or the reference holds a NaN.
    """
    ordered = _ordered(reference)
    if scores.ndim != 1:
        raise ValueError(f"scores: expected axes (n,), got shape {scores.shape}")
    stranger = ordered.size - np.searchsorted(ordered, scores, side="left")
    return np.where(np.isnan(scores), 0.0, (1.0 + stranger) / (ordered.size + 1.0))


def threshold(reference: F64, alpha: float) -> float:
    """Give the score above which ``conformal_p(score, reference) <= alpha``.

    Sort-and-index: the k-th smallest reference score with ``k = ceil((m + 1)(1 - alpha))``, found
    by the very comparison that p-values are judged with, so that the two never disagree.

    Returns:
        The limit (flag a score that is larger); infinity when k > m, so that nothing is flagged,
        and minus infinity when k = 0, so that everything is.

    Raises:
        ValueError: The reference is not one-dimensional or holds a NaN, or alpha is no rate.
    """
    ordered = _ordered(reference)
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"alpha: expected a rate from 0 to 1, got {alpha}")
    m = ordered.size
    p_values = np.arange(m + 2) / (m + 1.0)
    k = m + 2 - int(np.searchsorted(p_values, alpha, side="right"))
    if k > m:
        return float("inf")
    return float(ordered[k - 1]) if k > 0 else float("-inf")


def _ordered(reference: F64) -> F64:
    if reference.ndim != 1 or np.isnan(reference).any():
        raise ValueError(f"reference: expected (m,) without NaN, got shape {reference.shape}")
    return np.sort(reference)


def false_alarm(
    ood_p: F64, alpha: float, confidence: float = 0.95
) -> tuple[float, float, float, int]:
    """Measure the share of ordinary images that the gate flags, as (rate, low, high, n).

    The Clopper-Pearson interval takes the images as independent: give one p-value per group where
    the images of a group are alike.

    Args:
        ood_p: float64 ``n``, p-values of ordinary images; NaN counts as flagged.
        alpha: The gate flags ``ood_p <= alpha``.
        confidence: Of the two-sided interval.
    """
    n = int(ood_p.size)
    flagged = n - int(np.count_nonzero(ood_p > alpha))
    low, high = interval(flagged, n, confidence)
    return (flagged / n if n else 0.0), low, high, n
