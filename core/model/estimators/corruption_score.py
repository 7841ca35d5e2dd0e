"""Known faults of taking a picture, as a part of how strange it is.

A distance weighs every direction by how far ordinary pictures go in it. Where a camera's faults
lead is known beforehand and can be made from ordinary pictures, so that a little of a known fault
counts for more than as much of anything. What no fault leads to is left to the distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.model.estimators.discriminants import (
    Discriminants,
    Placed,
    fit_discriminants,
    out_of_fold,
)
from core.types import F32, F64


@dataclass(frozen=True)
class Faults:
    """How far a picture has gone from ordinary ones towards each known fault.

    Attributes:
        told: A discriminant a fault, of the features that the gate looks at.
        usual: float64 ``w``, mean score of the ordinary pictures out of fold.
        counts: float64 ``w``, what a unit of each score adds to how strange a picture is.
    """

    told: Discriminants
    usual: F64
    counts: F64

    def fits(self, width: int) -> bool:
        """Return whether the arrays agree with each other and with ``width`` features."""
        same = self.told.bias.shape == self.usual.shape == self.counts.shape
        return same and self.told.fits(width)

    def strangeness(self, z: F32) -> float:
        """Measure how far the features ``g`` have gone towards the fault they have gone to most."""
        return float(((self.told.scores(z) - self.usual) * self.counts).max())

    def resembled(self, z: F32) -> str:
        """Return the fault that a picture has gone more than halfway to, empty for none."""
        scores = self.told.scores(z)
        most = int(np.argmax((scores - self.usual) * self.counts))
        return self.told.names[most] if scores[most] > 0 else ""


def fit_faults(
    right: F32, faulty: Placed, fold: NDArray[np.int64], spread: float
) -> tuple[Faults, F64]:
    """Fit discriminants whose scores spread as far as those that they are added to.

    Args:
        right: float32 ``n g``, standardised features of the training pictures.
        faulty: Faulty training pictures, with as many features.
        fold: int64 ``n``, the fold of each training picture.
        spread: Deviation over ordinary pictures of what they are added to.

    Returns:
        The faults, and float64 ``n``, what they add to each training picture out of fold.
    """
    scores = out_of_fold(right, faulty, fold)
    usual, counts = scores.mean(axis=0), spread / (scores.std(axis=0) + 1e-12)
    told = fit_discriminants(right, faulty.z, faulty.kind, faulty.names)
    return Faults(told, usual, counts), ((scores - usual) * counts).max(axis=1)
