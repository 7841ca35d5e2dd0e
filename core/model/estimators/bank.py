"""A memory bank of patches of good pictures: PatchCore (Roth et al. 2022, arXiv 2106.08265).

The anomaly score is the mean distance of the picture's farthest places to the nearest patch in the
bank. Patches are centred on their picture's mean, so that global illumination does not matter.
Distances are Mahalanobis distances under the covariance that patches have within good groups: what
channels vary in together on good parts counts little, which a scale of each channel alone, or none,
cannot tell. ``core.model.fitting.bank_fitting`` fits it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from core.decision import good_only, ood
from core.types import F32, F64

TOP_PATCHES = 5
_TINY = 1e-6


@dataclass(frozen=True)
class Bank:
    """A fitted memory bank; axes ``m`` (patches kept), ``g`` (good groups), ``c`` (channels).

    Attributes:
        vectors: float32 ``m c``, whitened patches.
        norms: float32 ``m``, their squared lengths.
        whiten: float32 ``c c``; the squared length of ``x @ whiten`` is the squared Mahalanobis
            length of ``x``.
        group_scores: float64 ``g``, each group's score by the bank without it, its largest
            picture's.
        reference: float64 ``r``, ascending: scores of good groups that are not in the bank; empty
            where there are too few.
    """

    vectors: F32
    norms: F32
    whiten: F32
    group_scores: F64 = field(default_factory=lambda: np.zeros(0))
    reference: F64 = field(default_factory=lambda: np.zeros(0))

    @property
    def groups(self) -> int:
        """Number of good groups in the bank."""
        return len(self.group_scores)

    def distances(self, patches: F32) -> F32:
        """Return every place's distance to the nearest patch.

        Args:
            patches: float32 ``p c``, one picture's.

        Returns:
            float32 ``p``.

        Raises:
            ValueError: The patches have another number of channels.
        """
        if patches.ndim != 2 or patches.shape[1] != len(self.whiten):
            raise ValueError(f"patches: expected (p, {len(self.whiten)}), got {patches.shape}")
        white = centred(patches) @ self.whiten
        apart = white @ self.vectors.T
        apart *= np.float32(-2.0)
        apart += self.norms
        nearest = apart.min(axis=1) + (white * white).sum(axis=1)
        away: F32 = np.sqrt(np.maximum(nearest, 0.0))
        return away

    def score(self, patches: F32) -> float:
        """Return a picture's anomaly score, higher = more anomalous.

        Args:
            patches: float32 ``p c``.
        """
        away = self.distances(patches)
        top = len(away) - min(TOP_PATCHES, len(away))
        return float(np.partition(away, top)[top:].mean(dtype=np.float32))

    def good_p(self, score: float) -> float:
        """Return the p-value of a picture's score among the good groups: small = anomalous.

        Exact against groups that are not in the bank. Against those that are in it, each is
        compared by the largest score that it can have once the picture is a good one as well: its
        own, by the bank without it, but for the share of a group in the covariance. One group more
        among ``g`` makes the covariance at least ``(g - 1) / g`` of what it was, so distances grow
        by the root of ``g / (g - 1)`` at most; and one more to be near to only makes them smaller.
        """
        if self.reference.size:
            return ood.conformal_p_one(score, self.reference)
        return good_only.leave_one_out_p(score, self.group_scores * covariance_slack(self.groups))

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
        map_: F32 = self.distances(patches).reshape(side, side) / usual - np.float32(1)
        return map_


def covariance_slack(groups: int) -> float:
    """Return by how much a group more in the covariance can lengthen a distance at most."""
    return (groups / (groups - 1)) ** 0.5 if groups > 1 else float("inf")


def centred(patches: F32) -> F32:
    """Return a picture's patches ``p c`` without their mean."""
    found: F32 = patches - patches.mean(axis=0)
    return found


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
