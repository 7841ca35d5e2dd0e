"""Transfer learning: heads from the features of another site's bundle.

The training features of the other bundle lie in it. They give three heads: one fitted on them
alone, so that only the calibration is learned here; the same, corrected on this site's pictures;
and one fitted on both sites with equal weight. One of them is used only where it is clearly better,
out of fold on this site's pictures, than the best head fitted on these alone.

Where the two sites' labels differ, the head of the other tells its two sides apart, nothing wrong
and something wrong, which corrects this site's; learned from together are the labels of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.model.estimators.heads import LinearHead
from core.model.fitting.head_fitting import HeadFitter, LabelArray, fit_logistic
from core.types import F32, F64

RECALIBRATED, CORRECTED, TOGETHER = "start recalibrated", "start corrected", "start together"
_UNPENALISED_SCALE = 10.0  # Scaled so that the L2 penalty hardly shrinks its coefficient.


@dataclass(frozen=True)
class TransferSource:
    """Features of another site's pictures, axes ``m`` and ``d``.

    Attributes:
        z: float32 ``m d``, features as that site's bundle standardises them.
        labels: int64 ``m``, index into this site's classes; -1 where it has no such class.
        centre: float32 ``d``, what that bundle subtracts from pooled features.
        scale: float32 ``d``, what it divides them by.
        sides: int64 ``m``, 1 for something wrong; read where the labels are not this site's.
    """

    z: F32
    labels: NDArray[np.int64]
    centre: F32
    scale: F32
    sides: NDArray[np.int64]

    def fitters(self, centre: F32, scale: F32, k: int) -> Mapping[str, HeadFitter]:
        """Return fitters of heads for this site that use the other's pictures, by name.

        Args:
            centre: float32 ``d``, what is subtracted from pooled features here.
            scale: float32 ``d``, what divides them.
            k: How many classes there are.
        """
        ratio, shift = scale / self.scale, (centre - self.centre) / self.scale

        def rescale(head: LinearHead) -> LinearHead:
            moved = (head.weights @ shift).astype(np.float64)
            return LinearHead(head.weights * ratio, head.bias + moved)

        shared = self.labels >= 0

        def together(z: F32, labels: LabelArray, k: int) -> LinearHead:
            both = np.concatenate([self.z[shared], z * ratio + shift])
            weight = np.concatenate(
                [_balanced_weights(one, len(z)) for one in (self.labels[shared], labels)]
            )
            answers = np.concatenate([self.labels[shared], labels])
            return rescale(fit_logistic(both, answers, k, weight=weight))

        found: dict[str, HeadFitter] = {TOGETHER: together} if shared.any() else {}
        has_all = np.isin(np.arange(k), self.labels).all()
        if not has_all and np.unique(self.sides).size < 2:
            return found  # such as a bundle of good parts: nothing in it tells anything apart
        # Fitted in that site's units: a feature that is constant here may vary there.
        alone = rescale(fit_logistic(self.z, *((self.labels, k) if has_all else (self.sides, 2))))
        found[CORRECTED] = lambda z, labels, k: _corrected(alone, z, labels, k)
        if has_all:
            found[RECALIBRATED] = lambda _z, _labels, _k: alone
        return found


def _corrected(alone: LinearHead, z: F32, labels: LabelArray, k: int) -> LinearHead:
    """Return a head fitted with another's scores among its features, both added up into one."""
    scores = z @ alone.weights.T + alone.bias.astype(np.float32)
    factor = _UNPENALISED_SCALE / max(float(scores.std()), 1e-6)
    head = fit_logistic(np.hstack([z, scores * np.float32(factor)]), labels, k)
    share = head.weights[:, z.shape[1] :].astype(np.float64) * factor
    weights = head.weights[:, : z.shape[1]] + share @ alone.weights
    return LinearHead(weights.astype(np.float32), head.bias + share @ alone.bias)


def _balanced_weights(labels: NDArray[np.int64], total: int) -> F64:
    """Return weights by which every class counts the same and all together ``total``."""
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    weight: F64 = total / (len(counts) * counts[place])
    return weight
