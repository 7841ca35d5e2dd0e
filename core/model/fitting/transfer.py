"""A start elsewhere: what a bundle of another place knows, as heads for this one.

The pictures that the other bundle learned from lie in it as features. They give three heads: what
they say alone, so that only the calibration is learned here; that, corrected by this place's
pictures; and one head of both places, each weighing the same. One of them speaks only where it is
clearly better, out of fold on this place's pictures, than the best head of these alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.model.estimators.heads import LinearHead
from core.model.fitting.head_fitting import Answers, Maker, fit_logistic
from core.types import F32, F64

RECALIBRATED, CORRECTED, TOGETHER = "start recalibrated", "start corrected", "start together"
_LOUD = 10.0  # A feature of so many deviations is hardly held down by the penalty.


@dataclass(frozen=True)
class Start:
    """Pictures of another place, axes ``m`` and ``d``.

    Attributes:
        z: float32 ``m d``, features as that place's bundle standardises them.
        labels: int64 ``m``, index into this place's classes.
        centre: float32 ``d``, what that bundle subtracts from pooled features.
        scale: float32 ``d``, what it divides them by.
    """

    z: F32
    labels: NDArray[np.int64]
    centre: F32
    scale: F32

    def makers(self, centre: F32, scale: F32, k: int) -> Mapping[str, Maker]:
        """Return what makes heads for this place's features from the other's pictures, by name.

        Args:
            centre: float32 ``d``, what is subtracted from pooled features here.
            scale: float32 ``d``, what divides them.
            k: How many classes there are.
        """
        ratio, shift = scale / self.scale, (centre - self.centre) / self.scale

        def brought_here(head: LinearHead) -> LinearHead:
            moved = (head.weights @ shift).astype(np.float64)
            return LinearHead(head.weights * ratio, head.bias + moved)

        # Fitted in that place's units: a feature that is still here may be lively there.
        alone = brought_here(fit_logistic(self.z, self.labels, k))

        def together(z: F32, labels: Answers, k: int) -> LinearHead:
            both = np.concatenate([self.z, z * ratio + shift])
            weight = np.concatenate([_even(self.labels, len(z)), _even(labels, len(z))])
            answers = np.concatenate([self.labels, labels])
            return brought_here(fit_logistic(both, answers, k, weight=weight))

        return {
            RECALIBRATED: lambda _z, _labels, _k: alone,
            CORRECTED: lambda z, labels, k: _corrected(alone, z, labels, k),
            TOGETHER: together,
        }


def _corrected(alone: LinearHead, z: F32, labels: Answers, k: int) -> LinearHead:
    """Fit with a head's scores among the features, and add both up into one head."""
    said = z @ alone.weights.T + alone.bias.astype(np.float32)
    loud = _LOUD / max(float(said.std()), 1e-6)
    head = fit_logistic(np.hstack([z, said * np.float32(loud)]), labels, k)
    share = head.weights[:, z.shape[1] :].astype(np.float64) * loud
    weights = head.weights[:, : z.shape[1]] + share @ alone.weights
    return LinearHead(weights.astype(np.float32), head.bias + share @ alone.bias)


def _even(labels: NDArray[np.int64], total: int) -> F64:
    """Weigh pictures so that every class counts the same and all together ``total``."""
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    weight: F64 = total / (len(counts) * counts[place])
    return weight
