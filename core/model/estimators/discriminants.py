"""Linear discriminants between ordinary pictures and each of several kinds of altered ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import F32, F64


@dataclass(frozen=True)
class Altered:
    """Training pictures that were altered, after the network.

    Attributes:
        names: The ``w`` kinds of alteration.
        pooled: float32 ``m d``, features.
        kind: int64 ``m``, index into the names.
        groups: str ``m``, each picture's group.
        asymmetry: float32 ``m q``, how its left differs from its right; ``m 0`` where nobody asks.
    """

    names: tuple[str, ...]
    pooled: F32
    kind: NDArray[np.int64]
    groups: NDArray[np.str_]
    asymmetry: F32

    def placed(
        self, groups: NDArray[np.str_], fold: NDArray[np.int64], centre: F32, scale: F32
    ) -> Placed | None:
        """Put them beside ordinary pictures: into the fold of their group, in the same units.

        Args:
            groups: str ``n``, groups of the ordinary pictures.
            fold: int64 ``n``, their folds.
            centre: float32 ``d``, subtracted from features.
            scale: float32 ``d``, divides them.

        Returns:
            None where some fold leaves no picture of some kind to learn from.
        """
        of = dict(zip(groups.tolist(), fold.tolist(), strict=True))
        # A group whose ordinary pictures were all refused is in no fold's way.
        place = np.array([of.get(group, -1) for group in self.groups.tolist()], np.int64)
        left = [np.unique(self.kind[place != held]).size for held in np.unique(fold)]
        if min(left) < len(self.names):
            return None
        z = np.hstack([(self.pooled - centre) / scale, self.asymmetry])
        return Placed(self.names, z, self.kind, place)


@dataclass(frozen=True)
class Placed:
    """Altered pictures beside the ordinary ones.

    Attributes:
        names: The ``w`` kinds of alteration.
        z: float32 ``m d+q``, standardised features and asymmetry.
        kind: int64 ``m``, index into the names.
        fold: int64 ``m``, the fold of each picture's group; -1 where it is in none.
    """

    names: tuple[str, ...]
    z: F32
    kind: NDArray[np.int64]
    fold: NDArray[np.int64]

    def first(self, width: int) -> Placed:
        """Keep the first features alone."""
        return Placed(self.names, self.z[:, :width], self.kind, self.fold)

    def pick(self, rows: NDArray[np.bool_]) -> Placed:
        """Return some of the pictures."""
        return Placed(self.names, self.z[rows], self.kind[rows], self.fold[rows])


@dataclass(frozen=True)
class Discriminants:
    """What tells each kind from ordinary pictures.

    Attributes:
        names: The ``w`` kinds.
        weights: float32 ``w d``; ``weights @ z + bias`` is -1 for the mean ordinary picture and 1
            for the mean one of each kind.
        bias: float64 ``w``.
    """

    names: tuple[str, ...]
    weights: F32
    bias: F64

    def fits(self, width: int) -> bool:
        """Return whether the arrays agree with each other and with ``width`` features."""
        kinds = len(self.names)
        return self.weights.shape == (kinds, width) and self.bias.shape == (kinds,)

    def scores(self, z: F32) -> F64:
        """Score standardised features ``d`` by every kind, float64 ``w``."""
        return (self.weights @ z).astype(np.float64) + self.bias


def fit_discriminants(
    right: F32, z: F32, kind: NDArray[np.int64], names: Sequence[str]
) -> Discriminants:
    """Fit on ordinary pictures ``n d`` and altered ones ``m d``.

    All kinds share one covariance, shrunk (Friedman 1989; Ledoit and Wolf 2004): hundreds of
    pictures a kind are few against a thousand features.
    """
    from sklearn.covariance import ledoit_wolf

    usual = right.mean(axis=0, dtype=np.float64)
    means = np.stack([z[kind == k].mean(axis=0, dtype=np.float64) for k in range(len(names))])
    spread = np.concatenate([right - usual, z - means[kind]])
    covariance, _ = ledoit_wolf(spread, assume_centered=True)
    apart = means - usual
    weights = np.linalg.solve(covariance, apart.T).T
    weights /= np.einsum("wd,wd->w", weights, apart)[:, None] / 2
    bias = -np.einsum("wd,wd->w", weights, (means + usual) / 2)
    return Discriminants(tuple(names), weights.astype(np.float32), bias)


def out_of_fold(right: F32, altered: Placed, fold: NDArray[np.int64]) -> F64:
    """Score ordinary pictures by discriminants that saw neither them nor their groups.

    Args:
        right: float32 ``n d``, standardised features.
        altered: The altered pictures.
        fold: int64 ``n``, the fold of each ordinary picture.

    Returns:
        float64 ``n w``.
    """
    scores = np.zeros((len(right), len(altered.names)))
    for held in np.unique(fold):
        known, made = fold != held, altered.fold != held
        told = fit_discriminants(right[known], altered.z[made], altered.kind[made], altered.names)
        scores[fold == held] = right[fold == held] @ told.weights.T + told.bias
    return scores
