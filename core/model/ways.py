"""Pictures of the right thing shown wrongly: turned, mirrored, inverted, cut.

A distance to the training pictures sees that a picture is odd; it hardly sees a mirrored one. But
the ways in which a right picture goes wrong are known beforehand and can be made from right ones,
so that each is learned as a class of its own over the features that are there anyway.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import F32, F64, Finding, Reason

FALSE_ALARMS = 0.01
"""Share of right pictures that all ways together may flag."""


@dataclass(frozen=True)
class Wrong:
    """Training pictures shown wrongly, after the network.

    Attributes:
        names: The ``w`` ways.
        pooled: float32 ``m d``, features.
        way: int64 ``m``, index into the names.
        groups: str ``m``, each picture's group.
    """

    names: tuple[str, ...]
    pooled: F32
    way: NDArray[np.int64]
    groups: NDArray[np.str_]


@dataclass(frozen=True)
class Ways:
    """What tells wrong ways from the right one.

    Attributes:
        names: The ``w`` ways.
        weights: float32 ``w d``; ``weights @ z + bias`` is -1 for the mean right picture and 1 for
            the mean one of each way.
        bias: float64 ``w``.
        limit: A picture with a score above it is shown wrongly; infinite where there were too few
            right pictures to tell.
    """

    names: tuple[str, ...]
    weights: F32
    bias: F64
    limit: float

    def scores(self, z: F32) -> F64:
        """Score standardised features ``d`` by every way, float64 ``w``."""
        return (self.weights @ z).astype(np.float64) + self.bias

    def findings(self, z: F32) -> tuple[Finding, ...]:
        """Name the way that a picture is most clearly shown in, if in any."""
        scores = self.scores(z)
        worst = int(np.argmax(scores))
        if not scores[worst] > self.limit:
            return ()
        name, score = self.names[worst], scores[worst]
        detail = (
            f"It looks {name}: {score:.2f} on a scale from right (-1) to {name} (1), "
            f"limit {self.limit:.2f}."
        )
        return (Finding(Reason.WRONG_INPUT, detail, name),)


def fit_ways(
    right: F32, wrong: Wrong, z: F32, fold: NDArray[np.int64], held_out: NDArray[np.int64]
) -> tuple[Ways, NDArray[np.bool_]]:
    """Fit linear discriminants, with a limit by scores of right pictures out of fold.

    Classes share one covariance, shrunk (Friedman 1989; Ledoit and Wolf 2004): hundreds of
    pictures a way are few against a thousand features. The limit lies halfway, or higher where it
    must so that at most ``FALSE_ALARMS`` of the right pictures are flagged: the conformal limit
    of each right picture's largest score.

    Args:
        right: float32 ``n d``, standardised features of the training pictures.
        wrong: What the ways are called and which picture is shown in which.
        z: float32 ``m d``, standardised features of the wrong ones.
        fold: int64 ``n``, the fold of each right picture.
        held_out: int64 ``m``, the fold of the group of each wrong one.

    Returns:
        The discriminants; and bool ``n``, which right pictures would be flagged out of fold.
    """
    scores = np.zeros((len(right), len(wrong.names)))
    for held in np.unique(fold):
        kept, made = fold != held, held_out != held
        weights, bias = _discriminants(right[kept], z[made], wrong.way[made], len(wrong.names))
        rows = fold == held
        scores[rows] = right[rows] @ weights.T + bias
    largest = scores.max(axis=1)
    limit = max(_limit(largest, FALSE_ALARMS), 0.0)
    weights, bias = _discriminants(right, z, wrong.way, len(wrong.names))
    return Ways(wrong.names, weights, bias, limit), np.asarray(largest > limit)


def _discriminants(right: F32, z: F32, way: NDArray[np.int64], count: int) -> tuple[F32, F64]:
    from sklearn.covariance import ledoit_wolf

    usual = right.mean(axis=0, dtype=np.float64)
    means = np.stack([z[way == number].mean(axis=0, dtype=np.float64) for number in range(count)])
    spread = np.concatenate([right - usual, z - means[way]])
    covariance, _ = ledoit_wolf(spread, assume_centered=True)
    apart = means - usual
    weights = np.linalg.solve(covariance, apart.T).T
    weights /= np.einsum("wd,wd->w", weights, apart)[:, None] / 2
    bias = -np.einsum("wd,wd->w", weights, (means + usual) / 2)
    return weights.astype(np.float32), bias


def _limit(scores: F64, alpha: float) -> float:
    """Give the limit that an exchangeable score passes with probability at most ``alpha``."""
    k = int(np.ceil((len(scores) + 1) * (1 - alpha)))
    return float(np.sort(scores)[k - 1]) if k <= len(scores) else float("inf")
