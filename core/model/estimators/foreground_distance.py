"""How far the foreground of a picture is from those of training, whatever stands behind it.

The mean cosine distance to the nearest neighbours (Sun et al. 2022, arXiv 2204.06507) among the
last features pooled over the foreground: another crop on the same paper is near in all features of
the whole picture and far in these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.types import F32, F64

NEIGHBOURS = 10
MAX_KNOWN = 2000
_LEAST = 1e-3  # smaller distances are clipped: the picture is a training picture


@dataclass(frozen=True)
class ForegroundDistance:
    """What the foreground of a picture is compared with.

    Attributes:
        centre: float32 ``f``, subtracted from features.
        scale: float32 ``f``, divides them.
        known: float32 ``m f``, unit vectors: training pictures in these units, rounded to float16,
            which is how a bundle keeps them.
        weight: Of the logarithm of the distance in the gate's score.
    """

    centre: F32
    scale: F32
    known: F32
    weight: float = 1.0

    def score(self, foreground: F32) -> float:
        """Return the weighted logarithm of the distance of features ``f``."""
        z = (foreground - self.centre) / self.scale
        alike = self.known @ (z / (np.sqrt(z @ z) + np.float32(1e-12)))
        count = min(NEIGHBOURS, len(alike))
        nearest = np.partition(-alike, count - 1)[:count]
        return self.weight * math.log(max(1.0 + float(nearest.mean()), _LEAST))


@dataclass(frozen=True)
class FoldedForegrounds:
    """Foreground features of training pictures and of varied ones, in folds.

    Attributes:
        training: float32 ``n f``.
        varied: float32 ``m f``; ``0 f`` where there are none.
    """

    training: F32
    varied: F32

    def fit(
        self, fold: NDArray[np.int64], place: NDArray[np.int64], seed: int
    ) -> tuple[ForegroundDistance, F64]:
        """Return the distance to all training pictures, and float64 ``n + m`` out of fold.

        Args:
            fold: int64 ``n``, the fold of each training picture.
            place: int64 ``n + m``, the same, then the fold of each varied picture.
            seed: Of the draw of the pictures that are kept.
        """
        found = np.concatenate([self.training, self.varied])
        scores = np.zeros(len(found))
        for number in np.unique(place):
            part = _known(self.training[fold != number], seed)
            for row in np.flatnonzero(place == number):
                scores[row] = part.score(found[row])
        return _known(self.training, seed), scores


def weigh(distance: ForegroundDistance, apart: F64, spread: float) -> ForegroundDistance:
    """Return a distance whose scores, float64 ``n`` as they are, vary by ``spread``."""
    own = float(apart.std())
    return replace(distance, weight=spread / own if own > 0.0 else 0.0)


def _known(training: F32, seed: int) -> ForegroundDistance:
    centre, scale = training.mean(axis=0), training.std(axis=0) + np.float32(1e-6)
    drawn = np.sort(np.random.default_rng(seed).permutation(len(training))[:MAX_KNOWN])
    z = (training[drawn] - centre) / scale
    unit = z / (np.linalg.norm(z, axis=1, keepdims=True) + np.float32(1e-12))
    return ForegroundDistance(centre, scale, unit.astype(np.float16).astype(np.float32))
