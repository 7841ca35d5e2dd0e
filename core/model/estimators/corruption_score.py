"""Known image corruptions as a part of the OOD score.

A Mahalanobis distance weighs every direction by the variance of the training pictures in it.
Corruptions of acquisition (blur, noise, exposure) are known beforehand and can be simulated, so
their directions are learned as linear discriminants and weigh more. All other directions are left
to the distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.model.estimators.discriminants import (
    Discriminants,
    FoldedCorruptions,
    fit_discriminants,
    out_of_fold,
)
from core.types import F32, F64


@dataclass(frozen=True)
class CorruptionScore:
    """The largest standardised discriminant score over the known corruptions.

    Attributes:
        discriminants: A discriminant a corruption, of the features of the gate.
        mean: float64 ``w``, mean out-of-fold score of the training pictures.
        scale: float64 ``w``, what a unit of each score adds to the OOD score.
    """

    discriminants: Discriminants
    mean: F64
    scale: F64

    def accepts(self, width: int) -> bool:
        """Return whether the arrays agree with each other and with ``width`` features."""
        same = self.discriminants.bias.shape == self.mean.shape == self.scale.shape
        return same and self.discriminants.accepts(width)

    def score(self, z: F32) -> float:
        """Return the largest score of the features ``g`` over the corruptions."""
        return float(((self.discriminants.scores(z) - self.mean) * self.scale).max())

    def resembled(self, z: F32) -> str:
        """Return the corruption whose discriminant is positive, the largest; empty for none."""
        scores = self.discriminants.scores(z)
        most = int(np.argmax((scores - self.mean) * self.scale))
        return self.discriminants.names[most] if scores[most] > 0 else ""


def fit_corruption_score(
    clean: F32, corrupted: FoldedCorruptions, fold: NDArray[np.int64], spread: float
) -> tuple[CorruptionScore, F64]:
    """Return discriminants scaled to the deviation of the score that they are added to.

    Args:
        clean: float32 ``n g``, standardised features of the training pictures.
        corrupted: Corrupted training pictures, with as many features.
        fold: int64 ``n``, the fold of each training picture.
        spread: Deviation over training pictures of what they are added to.

    Returns:
        The score, and float64 ``n``, what it adds to each training picture out of fold.
    """
    scores = out_of_fold(clean, corrupted, fold)
    mean, scale = scores.mean(axis=0), spread / (scores.std(axis=0) + 1e-12)
    discriminants = fit_discriminants(clean, corrupted.z, corrupted.kind, corrupted.names)
    return CorruptionScore(discriminants, mean, scale), ((scores - mean) * scale).max(axis=1)
