"""Fitting a memory bank to good groups, whole or without one of them.

Every group gives a coreset of equal size, chosen by greedy k-center within the group alone, and
the covariance of its patches. So the bank without a group is exactly the one that the others make,
at the cost of one change of basis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.model.estimators.bank import Bank, centred
from core.types import F32, F64

MAX_VECTORS = 1500
MAX_GROUPS = 120
MAX_PICTURES = 240
SHRINK = 0.2  # share of the covariance's diagonal in it, so that few pictures are enough
_PROJECTED = 32
_TINY = 1e-6
_FLOOR = 1e-3  # of the mean variance, so that constant channels do not dominate


@dataclass(frozen=True)
class GoodPatches:
    """What good groups give to a memory bank; axes ``g`` (groups) and ``c`` (channels).

    Attributes:
        coresets: A float32 ``k c`` of each group, centred patches.
        covariances: float32 ``g c c``, of each group's centred patches.
    """

    coresets: Sequence[F32]
    covariances: F32

    def bank(self, without: int | None = None) -> Bank:
        """Return the bank; ``group_scores`` stays empty until every picture was scored.

        Args:
            without: Place of a group that is left out.
        """
        kept = [place for place in range(len(self.coresets)) if place != without]
        whiten = _whitening(self.covariances.mean(axis=0, where=self._kept(kept), dtype=np.float64))
        vectors = np.concatenate([self.coresets[place] for place in kept]) @ whiten
        return Bank(vectors=vectors, norms=(vectors * vectors).sum(axis=1), whiten=whiten)

    def _kept(self, kept: Sequence[int]) -> NDArray[np.bool_]:
        return np.isin(np.arange(len(self.coresets)), kept)[:, None, None]


def collect_patches(groups: Sequence[Sequence[F32]]) -> GoodPatches:
    """Return what good groups give to a bank of at most ``MAX_VECTORS`` patches.

    Args:
        groups: At least two good groups, each with the float32 ``p c`` patches of its pictures.

    Raises:
        ValueError: There are fewer than two groups, or more than ``MAX_GROUPS``.
    """
    if not 2 <= len(groups) <= MAX_GROUPS:
        raise ValueError(f"groups: expected 2 to {MAX_GROUPS}, got {len(groups)}")
    share = MAX_VECTORS // len(groups)
    coresets, covariances = [], []
    for pictures in groups:
        patches = np.concatenate([centred(one) for one in pictures])
        covariance = patches.T @ patches / np.float32(len(patches))
        spread = np.diag(covariance)
        scale = 1.0 / np.sqrt(spread + _FLOOR * spread.mean() + _TINY)
        coresets.append(patches[_k_center(patches * scale.astype(np.float32), share)])
        covariances.append(covariance)
    return GoodPatches(coresets, np.stack(covariances))


def fit_bank(groups: Sequence[Sequence[F32]]) -> Bank:
    """Return the bank of good groups, each with its score by the bank of the others.

    Args:
        groups: As for ``collect_patches``.

    Raises:
        ValueError: There are fewer than two groups, or more than ``MAX_GROUPS``.
    """
    good = collect_patches(groups)
    scores = [max(map(good.bank(place).score, one)) for place, one in enumerate(groups)]
    whole = good.bank()
    return Bank(whole.vectors, whole.norms, whole.whiten, np.array(scores, np.float64))


def _whitening(covariance: F64) -> F32:
    """Return ``W`` with ``W Wᵀ`` the inverse of a regularised covariance."""
    spread = np.diag(covariance)
    kept = (1.0 - SHRINK) * covariance
    kept[np.diag_indices_from(kept)] += SHRINK * spread + _FLOOR * spread.mean() + _TINY
    return np.linalg.inv(np.linalg.cholesky(kept)).T.astype(np.float32)


def _k_center(points: F32, count: int) -> NDArray[np.intp]:
    """Return a coreset by greedy k-center (Gonzalez 1985).

    Distances are taken after a random projection, the same for all groups.
    """
    if len(points) <= count:
        return np.arange(len(points))
    rng = np.random.default_rng(0)
    flat = points @ rng.standard_normal((points.shape[1], _PROJECTED)).astype(np.float32)
    lengths = (flat * flat).sum(axis=1)
    chosen = [int(((flat - flat.mean(axis=0)) ** 2).sum(axis=1).argmax())]
    uncovered = np.full(len(flat), np.inf, np.float32)
    while len(chosen) < count:
        last = chosen[-1]
        away = lengths + lengths[last] - np.float32(2.0) * (flat @ flat[last])
        uncovered = np.minimum(uncovered, away)
        uncovered[last] = -np.inf
        chosen.append(int(uncovered.argmax()))
    return np.array(chosen)
