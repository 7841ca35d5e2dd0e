"""Pictures of the right thing shown wrongly: turned, mirrored, inverted, cut.

A distance to the training pictures sees that a picture is odd; it hardly sees a mirrored one. But
the ways in which a right picture goes wrong are known beforehand and can be made from right ones,
so that each is learned as a class of its own over the features that are there anyway.
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
from core.types import F32, F64, Finding, Reason

FALSE_ALARMS = 0.01
"""Share of right pictures that all ways together may flag."""


@dataclass(frozen=True)
class Ways:
    """What tells wrong ways from the right one.

    Attributes:
        told: A discriminant a way.
        limit: A picture with a score above it is shown wrongly; infinite where there were too few
            right pictures to tell.
    """

    told: Discriminants
    limit: float

    def fits(self, width: int) -> bool:
        """Return whether the arrays agree and take ``width`` features, or asymmetry too."""
        taken = self.told.weights.shape[1:]
        return len(taken) == 1 and taken[0] >= width and self.told.fits(taken[0])

    def findings(self, z: F32) -> tuple[Finding, ...]:
        """Return a finding for the wrong presentation that scores highest, if above the limit.

        Args:
            z: float32 ``d+q``, standardised features and asymmetry.
        """
        scores = self.told.scores(z)
        worst = int(np.argmax(scores))
        if not scores[worst] > self.limit:
            return ()
        name, score = self.told.names[worst], scores[worst]
        detail = (
            f"It looks {name}: {score:.2f} on a scale from right (-1) to {name} (1), "
            f"limit {self.limit:.2f}."
        )
        return (Finding(Reason.WRONG_INPUT, detail, name),)


def fit_ways(right: F32, wrong: Placed, fold: NDArray[np.int64]) -> tuple[Ways, NDArray[np.bool_]]:
    """Fit discriminants, with a limit by scores of right pictures out of fold.

    The limit lies halfway, or higher where it must so that at most ``FALSE_ALARMS`` of the right
    pictures are flagged: the conformal limit of each right picture's largest score.

    Args:
        right: float32 ``n d+q``, standardised features and asymmetry of the training pictures.
        wrong: Training pictures shown wrongly.
        fold: int64 ``n``, the fold of each right picture.

    Returns:
        The ways; and bool ``n``, which right pictures would be flagged out of fold.
    """
    largest = out_of_fold(right, wrong, fold).max(axis=1)
    limit = max(_limit(largest, FALSE_ALARMS), 0.0)
    told = fit_discriminants(right, wrong.z, wrong.kind, wrong.names)
    return Ways(told, limit), np.asarray(largest > limit)


def _limit(scores: F64, alpha: float) -> float:
    """Return the limit that an exchangeable score passes with probability at most ``alpha``."""
    k = int(np.ceil((len(scores) + 1) * (1 - alpha)))
    return float(np.sort(scores)[k - 1]) if k <= len(scores) else float("inf")
