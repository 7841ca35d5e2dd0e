"""A memory bank of patches of good pictures: PatchCore (Roth et al. 2022, arXiv 2106.08265).

The anomaly score is the mean distance of the picture's farthest places to the nearest patch in the
bank. Patches are centred on their picture's mean, so that global illumination does not matter.
Every good group contributes a coreset of equal size (greedy k-center within the group) and a
metric, the inverse variances of its channels. So the bank without a group is exactly the one fitted
on the others, and one pass gives the leave-one-group-out scores that ``decision.good_only``
compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.decision import good_only, ood
from core.types import F32, F64

MAX_VECTORS = 3000
MAX_GROUPS = 120
MAX_PICTURES = 240
TOP_PATCHES = 5
_PROJECTED = 32
_TINY = 1e-6
_FLOOR = 1e-3  # of the mean variance, so that constant channels do not dominate


@dataclass(frozen=True)
class Bank:
    """A fitted memory bank; axes ``m`` (patches kept), ``g`` (good groups), ``c`` (channels).

    Attributes:
        vectors: float32 ``m c``, patches times their group's metric, group after group.
        norms: float32 ``m``, their squared lengths in that metric.
        starts: int64 ``g``, where each group's patches begin.
        metric: float32 ``g c``, inverse variance of every channel within the group.
        group_scores: float64 ``g``, each group's score by the bank without it, its largest
            picture's.
        reference: float64 ``r``, ascending: scores of good groups that are not in the bank; empty
            where there are too few.
    """

    vectors: F32
    norms: F32
    starts: NDArray[np.int64]
    metric: F32
    group_scores: F64 = field(default_factory=lambda: np.zeros(0))
    reference: F64 = field(default_factory=lambda: np.zeros(0))

    @property
    def groups(self) -> int:
        """Number of good groups in the bank."""
        return len(self.starts)

    def distances(self, patches: F32) -> F32:
        """Return every place's distance to each group's nearest patch.

        Args:
            patches: float32 ``p c``, one picture's.

        Returns:
            float32 ``p g``.

        Raises:
            ValueError: The patches have another number of channels.
        """
        if patches.ndim != 2 or patches.shape[1] != self.vectors.shape[1]:
            raise ValueError(f"patches: expected (p, {self.vectors.shape[1]}), got {patches.shape}")
        patches = _centred(patches)
        apart = patches @ self.vectors.T
        apart *= np.float32(-2.0)
        apart += self.norms
        nearest = np.minimum.reduceat(apart, self.starts, axis=1)
        nearest += (patches * patches) @ self.metric.T
        away: F32 = np.sqrt(np.maximum(nearest, 0.0))
        return away

    def score(self, patches: F32) -> F32:
        """Return a picture's anomaly score by the whole bank, and by the bank without each group.

        Args:
            patches: float32 ``p c``.

        Returns:
            float32 ``1 + g``, higher = more anomalous: the whole bank's score first, then the score
            by the bank without each group, which for a picture of that group is its held-out one.
        """
        away = self.distances(patches)
        closest = away.argmin(axis=1)
        best, second = np.partition(away, 1, axis=1)[:, :2].T
        without = np.where(closest == np.arange(self.groups)[:, None], second, best)
        every = np.concatenate([best[None], without])
        top = every.shape[1] - min(TOP_PATCHES, every.shape[1])
        scores: F32 = np.partition(every, top, axis=1)[:, top:].mean(axis=1, dtype=np.float32)
        return scores

    def good_p(self, scores: F32) -> float:
        """Return the p-value of a picture's scores among the good groups: small = anomalous.

        Exact against groups that are not in the bank, else as ``decision.good_only`` does.
        """
        if self.reference.size:
            return ood.conformal_p_one(float(scores[0]), self.reference)
        return good_only.jackknife_p(scores[1:].astype(np.float64), self.group_scores)

    def log_odds(self, score: float) -> float:
        """Return the log odds of a score under the good groups' logistic distribution.

        Its sigmoid is the share of good groups with a lower score, not the probability of a
        defect; unlike ``good_p`` it never ties.
        """
        good = np.concatenate([self.group_scores, self.reference])
        return (score - float(good.mean())) / (float(good.std()) * 3**0.5 / np.pi + _TINY)

    def anomaly_map(self, patches: F32) -> F32:
        """Return the anomaly of every place relative to the good groups.

        Args:
            patches: float32 ``p c`` on a square grid.

        Returns:
            float32 ``h w``, in units of the median good group's score; above 0 is more anomalous.
        """
        side = round(len(patches) ** 0.5)
        usual = np.float32(np.median(self.group_scores))
        map_: F32 = self.distances(patches).min(axis=1).reshape(side, side) / usual - np.float32(1)
        return map_


def fit_bank(groups: Sequence[Sequence[F32]]) -> Bank:
    """Return the bank; ``group_scores`` stays empty until every picture was scored.

    Args:
        groups: At least two good groups, each with the float32 ``p c`` patches of its pictures.

    Returns:
        A bank of at most ``MAX_VECTORS`` patches.

    Raises:
        ValueError: There are fewer than two groups, or more than ``MAX_GROUPS``.
    """
    if not 2 <= len(groups) <= MAX_GROUPS:
        raise ValueError(f"groups: expected 2 to {MAX_GROUPS}, got {len(groups)}")
    share = MAX_VECTORS // len(groups)
    kept, metrics = [], []
    for pictures in groups:
        patches = np.concatenate([_centred(one) for one in pictures])
        spread = patches.var(axis=0)
        metric = (1.0 / (spread + _FLOOR * spread.mean() + _TINY)).astype(np.float32)
        metrics.append(metric)
        kept.append(patches[_k_center(patches * np.sqrt(metric), share)])
    sizes = [len(patches) for patches in kept]
    vectors = np.concatenate([p * m for p, m in zip(kept, metrics, strict=True)])
    return Bank(
        vectors=vectors,
        norms=(vectors * np.concatenate(kept)).sum(axis=1),
        starts=np.cumsum([0, *sizes[:-1]]).astype(np.int64),
        metric=np.stack(metrics),
    )


def class_scores(log_odds: float, positive: Sequence[bool]) -> F64:
    """Return a bank's scores of every class, as those of an expert for fusion.

    Args:
        log_odds: A picture's, from ``Bank.log_odds``.
        positive: Whether each class counts as positive.

    Returns:
        float64 ``k`` logits whose positive share is the sigmoid of the log odds; classes of one
        side are equal, since good pictures do not distinguish them.
    """
    side = np.array(positive)
    scores: F64 = np.where(side, log_odds - np.log(side.sum()), -np.log((~side).sum()))
    return scores


def _centred(patches: F32) -> F32:
    centred: F32 = patches - patches.mean(axis=0)
    return centred


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
