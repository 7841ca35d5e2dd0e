"""Linear discriminants between clean pictures and each of several kinds of corrupted ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import F32, F64


@dataclass(frozen=True)
class CorruptedFeatures:
    """Features of corrupted training pictures.

    Attributes:
        names: The ``w`` kinds of corruption.
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

    def assign_folds(
        self, groups: NDArray[np.str_], fold: NDArray[np.int64], centre: F32, scale: F32
    ) -> FoldedCorruptions | None:
        """Return them in the fold of their group, standardised like the clean pictures.

        Args:
            groups: str ``n``, groups of the clean pictures.
            fold: int64 ``n``, their folds.
            centre: float32 ``d``, subtracted from features.
            scale: float32 ``d``, divides them.

        Returns:
            None where some fold leaves no picture of some kind to learn from.
        """
        of = dict(zip(groups.tolist(), fold.tolist(), strict=True))
        # A group whose clean pictures were all refused is in no fold.
        place = np.array([of.get(group, -1) for group in self.groups.tolist()], np.int64)
        left = [np.unique(self.kind[place != number]).size for number in np.unique(fold)]
        if min(left) < len(self.names):
            return None
        z = np.hstack([(self.pooled - centre) / scale, self.asymmetry])
        return FoldedCorruptions(self.names, z, self.kind, place)


@dataclass(frozen=True)
class FoldedCorruptions:
    """Corrupted pictures in the folds and units of the clean ones.

    Attributes:
        names: The ``w`` kinds of corruption.
        z: float32 ``m d+q``, standardised features and asymmetry.
        kind: int64 ``m``, index into the names.
        fold: int64 ``m``, the fold of each picture's group; -1 where it is in none.
    """

    names: tuple[str, ...]
    z: F32
    kind: NDArray[np.int64]
    fold: NDArray[np.int64]

    def truncate(self, width: int) -> FoldedCorruptions:
        """Return them with the first features alone."""
        return FoldedCorruptions(self.names, self.z[:, :width], self.kind, self.fold)

    def pick(self, rows: NDArray[np.bool_]) -> FoldedCorruptions:
        """Return some of the pictures."""
        return FoldedCorruptions(self.names, self.z[rows], self.kind[rows], self.fold[rows])


@dataclass(frozen=True)
class Discriminants:
    """A linear discriminant of each kind against clean pictures.

    Attributes:
        names: The ``w`` kinds.
        weights: float32 ``w d``; ``weights @ z + bias`` is -1 for the mean clean picture and 1
            for the mean one of each kind.
        bias: float64 ``w``.
    """

    names: tuple[str, ...]
    weights: F32
    bias: F64

    def accepts(self, width: int) -> bool:
        """Return whether the arrays agree with each other and with ``width`` features."""
        kinds = len(self.names)
        return self.weights.shape == (kinds, width) and self.bias.shape == (kinds,)

    def scores(self, z: F32) -> F64:
        """Return the score of standardised features ``d`` by every kind, float64 ``w``."""
        return (self.weights @ z).astype(np.float64) + self.bias


def fit_discriminants(
    clean: F32, z: F32, kind: NDArray[np.int64], names: Sequence[str]
) -> Discriminants:
    """Return discriminants fitted on clean pictures ``n d`` and corrupted ones ``m d``.

    All kinds share one covariance, shrunk (Friedman 1989; Ledoit and Wolf 2004): hundreds of
    pictures a kind are few against a thousand features.
    """
    from sklearn.covariance import ledoit_wolf

    centre = clean.mean(axis=0, dtype=np.float64)
    means = np.stack([z[kind == k].mean(axis=0, dtype=np.float64) for k in range(len(names))])
    spread = np.concatenate([clean - centre, z - means[kind]])
    covariance, _ = ledoit_wolf(spread, assume_centered=True)
    apart = means - centre
    weights = np.linalg.solve(covariance, apart.T).T
    weights /= np.einsum("wd,wd->w", weights, apart)[:, None] / 2
    bias = -np.einsum("wd,wd->w", weights, (means + centre) / 2)
    return Discriminants(tuple(names), weights.astype(np.float32), bias)


def out_of_fold(clean: F32, corrupted: FoldedCorruptions, fold: NDArray[np.int64]) -> F64:
    """Return scores of clean pictures by discriminants fitted without their groups.

    Args:
        clean: float32 ``n d``, standardised features.
        corrupted: The corrupted pictures.
        fold: int64 ``n``, the fold of each clean picture.

    Returns:
        float64 ``n w``.
    """
    scores = np.zeros((len(clean), len(corrupted.names)))
    for number in np.unique(fold):
        known, made = fold != number, corrupted.fold != number
        discriminants = fit_discriminants(
            clean[known], corrupted.z[made], corrupted.kind[made], corrupted.names
        )
        scores[fold == number] = (
            clean[fold == number] @ discriminants.weights.T + discriminants.bias
        )
    return scores
