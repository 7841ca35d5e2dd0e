"""The gate for strangers: how far a picture lies from the training pictures, in its own quarter.

Texture statistics of the middle of the network show that something is wrong with a picture: their
Mahalanobis distance (Lee et al. 2018, arXiv 1807.03888) sees blur, noise, rotation and foreign
products. The late features say what is shown: their nearest neighbours (Sun et al. 2022, arXiv
2204.06507) see unknown objects. And they say where to compare: a set of many scenes has calm and
wild quarters, so a picture is measured against what its neighbours had out of fold (the idea of
the local outlier factor, Breunig et al. 2000). Half of the neighbours' strangeness is taken off,
not all of it: strangers choose odd neighbours. Faults of taking a picture that are known beforehand
(``core.model.estimators.corruption_score``) count for themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.model.estimators.corruption_score import Faults, fit_faults
from core.model.estimators.discriminants import Placed
from core.model.estimators.landmarks import main_directions
from core.types import F32, F64

NEIGHBOURS = 10
REMEMBERED = 2000
DIRECTIONS = 128
REFERENCE = 9999  # scores kept: p-values come in steps of 1 in 10,000
HARMLESS_HELD = 3  # At a gate of 1 % a harmless variation is held back in at most about 3 %.
LATE_WEIGHT = 0.5  # The late distance is a squared one as well, and counts half.
FAULTS_WEIGHT = 0.5  # More would hide strangers that show no known fault.
RELATIVE = 0.5
LEAST = 1e-3  # Below this a picture is one that is known, however much closer it comes.


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
        usual: float64 ``m``, how strange each of them was out of fold.
        reference: float64 ``r``, ascending, out-of-fold scores of the training pictures, or of
            those varied without harm where these are stranger; at most ``REFERENCE``.
        faults: Where known faults lead, by the first ``g`` features; None where there were too few
            pictures to learn them from.
    """

    mean: F32
    whiten: F32
    basis: F32
    known: F32
    usual: F64
    reference: F64
    faults: Faults | None = None

    def fits(self, width: int) -> bool:
        """Return whether the arrays agree with each other and with ``width`` features."""
        g, (q, late), m = len(self.mean), self.basis.shape, len(self.usual)
        return (
            g <= width
            and late == ((width - g) or width)
            and self.whiten.shape == (g, g)
            and self.known.shape == (m, q)
            and m > 0
            and (self.faults is None or self.faults.fits(g))
        )

    def score(self, z: F32) -> float:
        """Measure how strange standardised features ``z`` are; higher = stranger."""
        own, nearest = self.strangeness(z)
        return own - RELATIVE * float(self.usual[nearest].mean())

    def resembled(self, z: F32) -> str:
        """Return the fault that standardised features ``z`` look like; empty where like none."""
        return self.faults.resembled(z[: len(self.mean)]) if self.faults else ""

    def strangeness(self, z: F32) -> tuple[float, NDArray[np.intp]]:
        """Measure ``z`` by itself, and give its neighbours' rows.

        The logarithms of both distances and the faults count.
        """
        white = self.whiten @ (z[: len(self.mean)] - self.mean)
        turned = self.basis @ _late(z, len(self.mean))
        alike = self.known @ (turned / (np.sqrt(turned @ turned) + np.float32(1e-12)))
        count = min(NEIGHBOURS, len(alike))
        nearest = np.argpartition(-alike, count - 1)[:count]
        apart = 1.0 - float(alike[nearest].mean())
        middle = float(white @ white) / len(self.mean)
        faulty = self.faults.strangeness(z[: len(self.mean)]) if self.faults else 0.0
        return _log(middle) + LATE_WEIGHT * _log(apart) + faulty, nearest


def _late(z: F32, gated: int) -> F32:
    return z[..., gated:] if z.shape[-1] > gated else z


def _log(distance: float) -> float:
    return math.log(distance) if not distance < LEAST else math.log(LEAST)


def fit_gate(
    z: F32,
    gated: int,
    fold: NDArray[np.int64],
    seed: int = 0,
    faulty: Placed | None = None,
    benign: Placed | None = None,
) -> tuple[Gate, F64]:
    """Fit the gate with a reference of out-of-fold scores.

    A new ordinary picture is then exchangeable with those of the reference, up to the fifth of
    the pictures that a fold leaves out, which makes the reference a little wider. Distances are
    those to training pictures as they are: one that was varied is a copy of a known one.

    Args:
        z: float32 ``n d``, standardised features of the training pictures.
        gated: How many of the first features the middle distance looks at.
        fold: int64 ``n``, the fold of each picture; a group is in one fold.
        seed: Of the draw of the pictures remembered.
        faulty: Training pictures with a known fault, if any were made.
        benign: Training pictures varied without harm: ordinary ones to the faults and the
            reference.

    Returns:
        The gate, and float64 ``n``, the score out of fold of every training picture as it is.
    """
    folds = {held: _part(z, np.flatnonzero(fold != held), gated, seed) for held in np.unique(fold)}
    ordinary, place = z, fold
    if benign:
        ordinary = np.concatenate([z, benign.z[:, : z.shape[1]]])
        place = np.concatenate([fold, benign.fold])
    own = np.zeros(len(ordinary))
    beside = []
    for row, held in enumerate(place):
        part, rows = folds[held]
        own[row], nearest = part.strangeness(ordinary[row])
        beside.append(rows[nearest])
    faults = None
    if faulty:
        spread = FAULTS_WEIGHT * float(own[: len(z)].std())
        faults, added = fit_faults(ordinary[:, :gated], faulty.first(gated), place, spread)
        own += added
    scores = own - RELATIVE * np.array([own[rows].mean() for rows in beside])
    gate, rows = _part(z, np.arange(len(z)), gated, seed)
    reference = thinned(wider_reference(scores[: len(z)], scores[len(z) :]), REFERENCE)
    fitted = replace(gate, usual=own[rows], reference=reference, faults=faults)
    return fitted, scores[: len(z)]


def wider_reference(own: F64, varied: F64) -> F64:
    """Return the scores that others are compared with, float64 ``n``, ascending.

    The p-value among them is the larger of two: among the training pictures, and a third
    (``HARMLESS_HELD``) of that among the varied ones. So ordinary pictures are held back at most
    as often as meant, and varied ones three times as often: to let them pass as often as ordinary
    ones would let pass the faults that look like them.
    """
    if not len(varied):
        return np.sort(own)
    rank = np.arange(len(own), 0, -1)
    passed = np.maximum(HARMLESS_HELD * rank * (len(varied) + 1) // (len(own) + 1), 1)
    beyond = np.sort(np.append(varied, -np.inf))  # below all varied ones only the own count
    return np.asarray(np.maximum(np.sort(own), beyond[np.maximum(len(varied) + 1 - passed, 0)]))


def thinned(reference: F64, most: int) -> F64:
    """Return at most so many of ascending scores, evenly by rank.

    A new score is beyond the i-th of them with the probability that p-values state, or a smaller
    one where the ranks do not come out even.
    """
    if len(reference) <= most:
        return reference
    rank = -(-np.arange(1, most + 1) * (len(reference) + 1) // (most + 1))
    return reference[rank - 1]


def _part(z: F32, rows: NDArray[np.intp], gated: int, seed: int) -> tuple[Gate, NDArray[np.intp]]:
    """Fit both distances on some rows; the rows remembered come in the order of ``known``."""
    mean, whiten = _shape(z[rows, :gated])
    late = _late(z[rows], gated)
    basis = main_directions(late, DIRECTIONS)
    drawn = np.sort(np.random.default_rng(seed).permutation(len(rows))[:REMEMBERED])
    known = late[drawn] @ basis.T
    known /= np.linalg.norm(known, axis=1, keepdims=True) + np.float32(1e-12)
    return Gate(mean, whiten, basis, known, np.zeros(len(drawn)), np.zeros(0)), rows[drawn]


def _shape(z: F32) -> tuple[F32, F32]:
    """Mean and whitening of the shrunk covariance (Ledoit and Wolf 2004)."""
    from sklearn.covariance import LedoitWolf

    shrunk = LedoitWolf().fit(z.astype(np.float64))
    values, vectors = np.linalg.eigh(shrunk.covariance_)
    whiten = (vectors / np.sqrt(values)).T
    return shrunk.location_.astype(np.float32), whiten.astype(np.float32)
