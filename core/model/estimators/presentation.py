"""Wrong presentation: a picture of the right object turned, mirrored, inverted or cropped.

A distance to the training pictures hardly detects a mirrored one. But wrong presentations are known
beforehand and can be simulated, so each is learned as a class of its own over the features that are
there anyway.
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
from core.types import F32, F64, Finding, Reason

FALSE_ALARMS = 0.01
"""Share of correct pictures that all presentations together may flag."""


@dataclass(frozen=True)
class WrongPresentations:
    """Discriminants of wrong presentations against the correct one.

    Attributes:
        discriminants: A discriminant a presentation.
        limit: A picture with a score above it is flagged; infinite where there were too few
            correct pictures to set it.
    """

    discriminants: Discriminants
    limit: float

    def accepts(self, width: int) -> bool:
        """Return whether the arrays agree and take ``width`` features, or asymmetry too."""
        taken = self.discriminants.weights.shape[1:]
        return len(taken) == 1 and taken[0] >= width and self.discriminants.accepts(taken[0])

    def findings(self, z: F32) -> tuple[Finding, ...]:
        """Return a finding for the wrong presentation that scores highest, if above the limit.

        Args:
            z: float32 ``d+q``, standardised features and asymmetry.
        """
        scores = self.discriminants.scores(z)
        worst = int(np.argmax(scores))
        if not scores[worst] > self.limit:
            return ()
        name, score = self.discriminants.names[worst], scores[worst]
        detail = (
            f"It looks {name}: {score:.2f} on a scale from right (-1) to {name} (1), "
            f"limit {self.limit:.2f}."
        )
        return (Finding(Reason.WRONG_INPUT, detail, name),)


def fit_presentations(
    correct: F32, wrong: FoldedCorruptions, fold: NDArray[np.int64]
) -> tuple[WrongPresentations, NDArray[np.bool_]]:
    """Return discriminants with a limit by scores of correct pictures out of fold.

    The limit lies halfway, or higher where it must so that at most ``FALSE_ALARMS`` of the correct
    pictures are flagged: the conformal limit of each correct picture's largest score.

    Args:
        correct: float32 ``n d+q``, standardised features and asymmetry of the training pictures.
        wrong: Training pictures in wrong presentations.
        fold: int64 ``n``, the fold of each correct picture.

    Returns:
        The check; and bool ``n``, which correct pictures would be flagged out of fold.
    """
    largest = out_of_fold(correct, wrong, fold).max(axis=1)
    limit = max(_limit(largest, FALSE_ALARMS), 0.0)
    discriminants = fit_discriminants(correct, wrong.z, wrong.kind, wrong.names)
    return WrongPresentations(discriminants, limit), np.asarray(largest > limit)


def _limit(scores: F64, alpha: float) -> float:
    """Return the limit that an exchangeable score passes with probability at most ``alpha``."""
    k = int(np.ceil((len(scores) + 1) * (1 - alpha)))
    return float(np.sort(scores)[k - 1]) if k <= len(scores) else float("inf")
