"""The out-of-distribution gate: distances to the training pictures, normalised locally.

Mid-level features are texture statistics: their Mahalanobis distance (Lee et al. 2018, arXiv
1807.03888) detects blur, noise, rotation and foreign products. Late features encode what is shown:
the distance to their nearest neighbours (Sun et al. 2022, arXiv 2204.06507) detects unknown
objects. Scores are normalised locally as in LOF (Breunig et al. 2000): of a picture's score half
the mean out-of-fold score of its neighbours is subtracted, since scenes differ in how much they
vary. Not all of it, since the neighbours of an out-of-distribution picture are outliers themselves.
Known corruptions (``core.model.estimators.corruption_score``) add a score of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.model.estimators.corruption_score import CorruptionScore, fit_corruption_score
from core.model.estimators.discriminants import FoldedCorruptions
from core.model.estimators.foreground_distance import (
    FoldedForegrounds,
    ForegroundDistance,
    weigh,
)
from core.model.estimators.landmarks import main_directions
from core.model.estimators.reference import REFERENCE, thin_reference, widen_reference
from core.model.estimators.stated_changes import UNSTATED, StatedChange
from core.types import F32, F64

NEIGHBOURS = 10
MAX_KNOWN = 2000
DIRECTIONS = 128
LATE_WEIGHT = 0.5  # The late distance is a squared one as well, and counts half.
CORRUPTION_WEIGHT = 0.5  # More lowers the OOD AUROC of pictures without a known corruption.
NEIGHBOUR_WEIGHT = 0.5
FOREGROUND_WEIGHT = 1.0  # Both parts of the score then vary alike over the training pictures.
NO_FOREGROUND = np.zeros(0, np.float32)
MIN_DISTANCE = 1e-3  # Smaller distances are clipped: the picture is a training picture.


@dataclass(frozen=True)
class Gate:
    """What scores a picture and what the score is compared with.

    The first ``g`` features are those of the taps that the backbone marks for the gate; late ones
    are all others, or all there are where every tap is marked.

    Attributes:
        mean: float32 ``g``.
        whiten: float32 ``g g``; ``|whiten @ (z - mean)|²`` is the squared distance.
        basis: float32 ``q l``, the main directions of the ``l`` late features.
        known: float32 ``m q``, unit vectors: training pictures in these directions.
        known_scores: float64 ``m``, the out-of-fold score of each of them, not normalised.
        reference: float64 ``r``, ascending, out-of-fold scores of the training pictures, or of
            their label-preserving variations where these are higher; at most ``REFERENCE``.
        corruptions: Score of known corruptions, by the first ``g`` features; None where there were
            too few pictures to fit it.
        foreground: Distance of the foreground; None where the network does not give it.
        stated: How features and scores move with what files state of how they are stored.
    """

    mean: F32
    whiten: F32
    basis: F32
    known: F32
    known_scores: F64
    reference: F64
    corruptions: CorruptionScore | None = None
    foreground: ForegroundDistance | None = None
    stated: tuple[StatedChange, ...] = ()

    def accepts(self, width: int) -> bool:
        """Return whether the arrays agree with each other and with ``width`` features."""
        g, (q, late), m = len(self.mean), self.basis.shape, len(self.known_scores)
        return (
            g <= width
            and late == ((width - g) or width)
            and self.whiten.shape == (g, g)
            and self.known.shape == (m, q)
            and m > 0
            and (self.corruptions is None or self.corruptions.accepts(g))
            and all(change.shift.accepts(width) for change in self.stated)
        )

    def score(
        self,
        z: F32,
        foreground: F32 = NO_FOREGROUND,
        facts: Mapping[str, float] = UNSTATED,
    ) -> float:
        """Return the score of a picture; higher = more out of distribution.

        What its file states of how it is stored is taken out.

        Args:
            z: float32 ``d``, standardised features.
            foreground: float32 ``f``, those of the foreground, where the gate looks at it.
            facts: As ``stated_changes.read_facts`` returns them; what is left out moves nothing.
        """
        own, nearest = self.raw_score(self._unmoved(z, facts))
        score = own - NEIGHBOUR_WEIGHT * float(self.known_scores[nearest].mean())
        if self.foreground:
            for change in self.stated:
                foreground = change.shift.unmoved_foreground(foreground, facts)
            score += self.foreground.score(foreground)
        for change in self.stated:
            score = change.adjust(score, facts)
        return score

    def _unmoved(self, z: F32, facts: Mapping[str, float]) -> F32:
        for change in self.stated:
            z = change.shift.unmoved(z, facts)
        return z

    def resembled(self, z: F32, facts: Mapping[str, float] = UNSTATED) -> str:
        """Return the corruption that standardised features ``z`` resemble; empty for none."""
        if not self.corruptions:
            return ""
        return self.corruptions.resembled(self._unmoved(z, facts)[: len(self.mean)])

    def raw_score(self, z: F32) -> tuple[float, NDArray[np.intp]]:
        """Return the score of ``z`` before normalisation, and its neighbours' rows.

        It is the sum of the logarithms of both distances and the corruption score.
        """
        white = self.whiten @ (z[: len(self.mean)] - self.mean)
        turned = self.basis @ _late(z, len(self.mean))
        alike = self.known @ (turned / (np.sqrt(turned @ turned) + np.float32(1e-12)))
        count = min(NEIGHBOURS, len(alike))
        nearest = np.argpartition(-alike, count - 1)[:count]
        apart = 1.0 - float(alike[nearest].mean())
        middle = float(white @ white) / len(self.mean)
        corrupted = self.corruptions.score(z[: len(self.mean)]) if self.corruptions else 0.0
        return _log(middle) + LATE_WEIGHT * _log(apart) + corrupted, nearest


def _late(z: F32, gated: int) -> F32:
    return z[..., gated:] if z.shape[-1] > gated else z


def _log(distance: float) -> float:
    return math.log(distance) if not distance < MIN_DISTANCE else math.log(MIN_DISTANCE)


def fit_gate(
    z: F32,
    gated: int,
    fold: NDArray[np.int64],
    seed: int = 0,
    corrupted: FoldedCorruptions | None = None,
    varied: FoldedCorruptions | None = None,
    foregrounds: FoldedForegrounds | None = None,
    limits: Sequence[NDArray[np.bool_]] = (),
) -> tuple[Gate, F64, F64]:
    """Return the gate, fitted with a reference of out-of-fold scores.

    A new in-distribution picture is then exchangeable with those of the reference, up to the fifth
    of the pictures that a fold leaves out, which makes the reference a little wider. Distances are
    to unchanged training pictures only: a varied one is a copy of a known one.

    Args:
        z: float32 ``n d``, standardised features of the training pictures.
        gated: How many of the first features the middle distance looks at.
        fold: int64 ``n``, the fold of each picture; a group is in one fold.
        seed: Of the draw of the pictures that are kept.
        corrupted: Training pictures with a known corruption, if any were made.
        varied: Label-preserving variations: in distribution to corruption score and reference.
        foregrounds: Foreground features of the training pictures and of those varied.
        limits: bool ``m`` each, the varied pictures that are accepted together at the same rate.

    Returns:
        The gate; float64 ``n``, the score out of fold of every training picture as it is; and
        float64 ``m``, that of every varied one.
    """
    folds = {
        number: _fit_part(z, np.flatnonzero(fold != number), gated, seed)
        for number in np.unique(fold)
    }
    in_distribution, place = z, fold
    if varied:
        in_distribution = np.concatenate([z, varied.z[:, : z.shape[1]]])
        place = np.concatenate([fold, varied.fold])
    own = np.zeros(len(in_distribution))
    beside = []
    for row, number in enumerate(place):
        part, rows = folds[number]
        own[row], nearest = part.raw_score(in_distribution[row])
        beside.append(rows[nearest])
    corruptions = None
    if corrupted:
        spread = CORRUPTION_WEIGHT * float(own[: len(z)].std())
        corruptions, added = fit_corruption_score(
            in_distribution[:, :gated], corrupted.truncate(gated), place, spread
        )
        own += added
    scores = own - NEIGHBOUR_WEIGHT * np.array([own[rows].mean() for rows in beside])
    foreground = None
    if foregrounds:
        foreground, apart = foregrounds.fit(fold, place, seed)
        spread = FOREGROUND_WEIGHT * float(scores[: len(z)].std())
        foreground = weigh(foreground, apart[: len(z)], spread)
        scores = scores + foreground.weight * apart
    gate, rows = _fit_part(z, np.arange(len(z)), gated, seed)
    groups = [scores[len(z) :][rows] for rows in limits]
    reference = thin_reference(widen_reference(scores[: len(z)], groups), REFERENCE)
    fitted = replace(
        gate,
        known_scores=own[rows],
        reference=reference,
        corruptions=corruptions,
        foreground=foreground,
    )
    return fitted, scores[: len(z)], scores[len(z) :]


def _fit_part(
    z: F32, rows: NDArray[np.intp], gated: int, seed: int
) -> tuple[Gate, NDArray[np.intp]]:
    """Return both distances fitted on some rows, and the rows kept in the order of ``known``."""
    mean, whiten = _mean_and_whitening(z[rows, :gated])
    late = _late(z[rows], gated)
    basis = main_directions(late, DIRECTIONS)
    drawn = np.sort(np.random.default_rng(seed).permutation(len(rows))[:MAX_KNOWN])
    known = late[drawn] @ basis.T
    known /= np.linalg.norm(known, axis=1, keepdims=True) + np.float32(1e-12)
    return Gate(mean, whiten, basis, known, np.zeros(len(drawn)), np.zeros(0)), rows[drawn]


def _mean_and_whitening(z: F32) -> tuple[F32, F32]:
    """Return mean and whitening of the shrunk covariance (Ledoit and Wolf 2004)."""
    from sklearn.covariance import LedoitWolf

    shrunk = LedoitWolf().fit(z.astype(np.float64))
    values, vectors = np.linalg.eigh(shrunk.covariance_)
    whiten = (vectors / np.sqrt(values)).T
    return shrunk.location_.astype(np.float32), whiten.astype(np.float32)
