"""A memory of good patches: what a picture shows that no good one has shown.

After PatchCore (Roth et al. 2022, arXiv 2106.08265): the distance of every place to the nearest
remembered patch, and a picture is as strange as its strangest places. Patches count from their
picture's own mean, so that the light on the whole part does not. Every good group brings a share of
the memory, chosen within the group (greedy k-center), and a metric, its own channels' inverse
variances. So the memory without a group is exactly the one that the others would have made alone,
and one pass gives the score under every such memory: what ``decision.good_only`` compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.decision import good_only, ood
from core.types import F32, F64

VECTORS = 3000
MOST_GROUPS = 120
PICTURES = 240
STRANGEST = 5
_PROJECTED = 32
_TINY = 1e-6
_FLOOR = 1e-3  # of the mean variance, so that a channel that never moves is not all that counts


@dataclass(frozen=True)
class Bank:
    """A memory that runs; axes ``m`` (remembered patches), ``g`` (good groups), ``c`` (channels).

    Attributes:
        vectors: float32 ``m c``, patches times their group's metric, group after group.
        norms: float32 ``m``, their squared lengths in that metric.
        starts: int64 ``g``, where each group's patches begin.
        metric: float32 ``g c``, inverse variance of every channel within the group.
        held: float64 ``g``, each group's score by the memory without it, its worst picture's.
        reference: float64 ``r``, ascending: scores of good groups that are not in the memory; empty
            where there are too few to spare any.
    """

    vectors: F32
    norms: F32
    starts: NDArray[np.int64]
    metric: F32
    held: F64 = field(default_factory=lambda: np.zeros(0))
    reference: F64 = field(default_factory=lambda: np.zeros(0))

    @property
    def groups(self) -> int:
        """How many good groups it remembers."""
        return len(self.starts)

    def distances(self, patches: F32) -> F32:
        """Measure every place's distance to each group's nearest patch.

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

    def read(self, patches: F32) -> F32:
        """Return how anomalous a picture is to the whole memory, and to each without one group.

        Args:
            patches: float32 ``p c``.

        Returns:
            float32 ``1 + g``, higher = stranger: the whole memory's score first, then the score by
            the memory without each group, which for a picture of that group is its held-out one.
        """
        away = self.distances(patches)
        closest = away.argmin(axis=1)
        best, second = np.partition(away, 1, axis=1)[:, :2].T
        without = np.where(closest == np.arange(self.groups)[:, None], second, best)
        every = np.concatenate([best[None], without])
        top = every.shape[1] - min(STRANGEST, every.shape[1])
        said: F32 = np.partition(every, top, axis=1)[:, top:].mean(axis=1, dtype=np.float32)
        return said

    def good_p(self, said: F32) -> float:
        """Compare what ``read`` said of a picture with the good groups: small = stranger.

        Exact against groups that are not in the memory, else as ``decision.good_only`` does.
        """
        if self.reference.size:
            return ood.conformal_p_one(float(said[0]), self.reference)
        return good_only.jackknife_p(said[1:].astype(np.float64), self.held)

    def log_odds(self, score: float) -> float:
        """Place a score among the good groups' scores: their logistic distribution's log odds.

        Its sigmoid is the share of good groups that would look more ordinary, not the chance of a
        defect; unlike ``good_p`` it never ties.
        """
        good = np.concatenate([self.held, self.reference])
        return (score - float(good.mean())) / (float(good.std()) * 3**0.5 / np.pi + _TINY)

    def heat(self, patches: F32) -> F32:
        """Show where a picture is stranger than good ones are at their strangest places.

        Args:
            patches: float32 ``p c`` on a square grid.

        Returns:
            float32 ``h w``, in units of the middle good group's score; above 0 is stranger.
        """
        side = round(len(patches) ** 0.5)
        usual = np.float32(np.median(self.held))
        map_: F32 = self.distances(patches).min(axis=1).reshape(side, side) / usual - np.float32(1)
        return map_


def remember(groups: Sequence[Sequence[F32]]) -> Bank:
    """Build the memory; ``held`` stays empty until every picture was read.

    Args:
        groups: At least two good groups, each with the float32 ``p c`` patches of its pictures.

    Returns:
        A memory of at most ``VECTORS`` patches, whatever comes in.

    Raises:
        ValueError: There are fewer than two groups, or more than ``MOST_GROUPS``.
    """
    if not 2 <= len(groups) <= MOST_GROUPS:
        raise ValueError(f"groups: expected 2 to {MOST_GROUPS}, got {len(groups)}")
    share = VECTORS // len(groups)
    kept, metrics = [], []
    for pictures in groups:
        patches = np.concatenate([_centred(one) for one in pictures])
        spread = patches.var(axis=0)
        metric = (1.0 / (spread + _FLOOR * spread.mean() + _TINY)).astype(np.float32)
        metrics.append(metric)
        kept.append(patches[_spread_out(patches * np.sqrt(metric), share)])
    sizes = [len(patches) for patches in kept]
    vectors = np.concatenate([p * m for p, m in zip(kept, metrics, strict=True)])
    return Bank(
        vectors=vectors,
        norms=(vectors * np.concatenate(kept)).sum(axis=1),
        starts=np.cumsum([0, *sizes[:-1]]).astype(np.int64),
        metric=np.stack(metrics),
    )


def class_scores(log_odds: float, positive: Sequence[bool]) -> F64:
    """Speak as an expert: what a memory says about every class.

    Args:
        log_odds: A picture's, from ``Bank.log_odds``.
        positive: Whether each class counts as positive.

    Returns:
        float64 ``k`` logits whose positive share is the sigmoid of the log odds; classes of one
        side are alike, since good pictures do not tell them apart.
    """
    side = np.array(positive)
    scores: F64 = np.where(side, log_odds - np.log(side.sum()), -np.log((~side).sum()))
    return scores


def _centred(patches: F32) -> F32:
    centred: F32 = patches - patches.mean(axis=0)
    return centred


def _spread_out(points: F32, count: int) -> NDArray[np.intp]:
    """Choose points so that none is far from a chosen one (greedy k-center, Gonzalez 1985).

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
