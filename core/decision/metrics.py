"""How good the scores are, before any threshold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.types import F64

Labels = NDArray[np.integer[Any]]
BINS = 15
_EPS = float(np.finfo(np.float64).eps)


def auroc(scores: F64, positive: NDArray[np.bool_]) -> float:
    """Return the probability that a positive scores above a negative, ties counting half.

    Source: Hanley and McNeil, Radiology 143 (1982).

    Args:
        scores: float64 ``n``, higher = more positive.
        positive: bool ``n``.

    Returns:
        The area; NaN when one of the two kinds is missing.

    Raises:
        ValueError: The shapes differ or a score is NaN.
    """
    if scores.ndim != 1 or positive.shape != scores.shape or np.isnan(scores).any():
        raise ValueError(
            f"scores, positive: expected equal (n,) without NaN, got {scores.shape}, "
            f"{positive.shape}"
        )
    n_positive = int(np.count_nonzero(positive))
    n_negative = scores.size - n_positive
    if n_positive == 0 or n_negative == 0:
        return math.nan
    from scipy.stats import rankdata  # takes half a second: imported where it is used

    ranks = float(rankdata(scores)[positive].sum())
    return (ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def accuracy(labels: Labels, predicted: Labels) -> float:
    """Return the share of right classes; NaN for no image.

    Raises:
        ValueError: The shapes differ.
    """
    _check_pair(labels, predicted)
    return float(np.mean(labels == predicted)) if labels.size else math.nan


def balanced_accuracy(labels: Labels, predicted: Labels) -> float:
    """Return the mean share of right classes over the classes that occur; NaN for no image.

    Raises:
        ValueError: The shapes differ.
    """
    _check_pair(labels, predicted)
    if labels.size == 0:
        return math.nan
    return float(np.mean([np.mean(predicted[labels == c] == c) for c in np.unique(labels)]))


def _check_pair(labels: Labels, predicted: Labels) -> None:
    if labels.ndim != 1 or labels.shape != predicted.shape:
        raise ValueError(
            f"labels, predicted: expected equal (n,), got {labels.shape}, {predicted.shape}"
        )


def ece(probabilities: F64, labels: Labels, bins: int = BINS) -> float:
    """Return the expected calibration error in bins of equal mass.

    With two classes the probability of class 1 is compared with how often class 1 is true; with
    more, the probability of the most probable class with how often it is right. Bins hold equal
    numbers of images; equal probabilities always share a bin, so that order cannot matter.
    Source: Nguyen and O'Connor, EMNLP 2015 (equal mass); Guo et al., ICML 2017 (top label).

    Args:
        probabilities: float64 ``n k``, rows that sum to one.
        labels: int ``n``, class numbers 0 to k - 1.
        bins: Number of bins.

    Returns:
        Mean over images of |mean probability - frequency| of their bin; NaN for no image.

    Raises:
        ValueError: Shapes, labels or probabilities are not as stated.
    """
    _check(probabilities, labels)
    if labels.size == 0:
        return math.nan
    claimed = 1 if probabilities.shape[1] == 2 else probabilities.argmax(axis=1)
    hits = labels == claimed
    return float(_gap(_stated(probabilities), hits[:, None], bins)[0])


def ece_floor(probabilities: F64, seed: int, repeats: int = 100, bins: int = BINS) -> float:
    """Return the simulated ECE of a perfect predictor with these probabilities.

    An ECE is never zero on finitely many images (0.046 at n = 525 is perfect), so it means
    something only beside this floor. Source: Vaicenavicius et al., AISTATS 2019.

    Args:
        probabilities: float64 ``n k``, as for ``ece``.
        seed: Of the simulated labels.
        repeats: Number of simulated label sets to average over.
        bins: Number of bins.

    Raises:
        ValueError: The probabilities are not as stated.
    """
    _check(probabilities, np.zeros(probabilities.shape[0], dtype=np.int64))
    if probabilities.shape[0] == 0:
        return math.nan
    stated = _stated(probabilities)
    draws = np.random.default_rng(seed).random((stated.size, repeats))
    return float(_gap(stated, draws < stated[:, None], bins).mean())


def _stated(probabilities: F64) -> F64:
    """Return the probability that is compared with the outcome, ``n``."""
    top: F64 = probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities.max(axis=1)
    return top


def _gap(stated: F64, hits: NDArray[np.bool_], bins: int) -> F64:
    """Return the ECE of each column of ``hits``, n r -> r."""
    from scipy.stats import rankdata

    place = (bins * (rankdata(stated) - 0.5) / stated.size).astype(np.int64)
    order = np.argsort(place, kind="stable")
    starts = np.unique(place[order], return_index=True)[1]
    excess = np.add.reduceat((stated[:, None] - hits)[order], starts, axis=0)
    gaps: F64 = np.abs(excess).sum(axis=0) / stated.size
    return gaps


def brier(probabilities: F64, labels: Labels) -> float:
    """Return the mean squared error of the probabilities; NaN for no image.

    With two classes it is that of class 1 (0 to 1); with more, the sum over classes (0 to 2).
    Source: Brier, Monthly Weather Review 78 (1950).

    Raises:
        ValueError: Shapes, labels or probabilities are not as stated for ``ece``.
    """
    _check(probabilities, labels)
    if labels.size == 0:
        return math.nan
    k = probabilities.shape[1]
    squares = ((probabilities - np.eye(k)[labels]) ** 2).sum(axis=1)
    return float(squares.mean()) / (2.0 if k == 2 else 1.0)


def nll(probabilities: F64, labels: Labels) -> float:
    """Return the mean negative log likelihood in nats; NaN for no image.

    Probabilities are clipped at the float64 epsilon, so one certain mistake costs 36, not infinity.

    Raises:
        ValueError: Shapes, labels or probabilities are not as stated for ``ece``.
    """
    _check(probabilities, labels)
    if labels.size == 0:
        return math.nan
    own = probabilities[np.arange(labels.size), labels]
    return float(-np.log(np.clip(own, _EPS, 1.0)).mean())


def _check(probabilities: F64, labels: Labels) -> None:
    if probabilities.ndim != 2 or probabilities.shape[1] < 2:
        raise ValueError(f"probabilities: expected (n, k) with k >= 2, got {probabilities.shape}")
    if labels.shape != probabilities.shape[:1]:
        raise ValueError(f"labels: expected ({probabilities.shape[0]},), got {labels.shape}")
    if labels.size and not 0 <= labels.min() <= labels.max() < probabilities.shape[1]:
        raise ValueError(f"labels: expected 0 to {probabilities.shape[1] - 1}")
    if not (np.abs(probabilities - 0.5) <= 0.5 + 1e-9).all():
        raise ValueError("probabilities: expected values from 0 to 1 without NaN")


def fpr_at_tpr(id_scores: F64, ood_scores: F64, tpr: float = 0.95) -> float:
    """Return the share of OOD images accepted where ``tpr`` of the in-distribution ones are.

    The limit is the smallest in-distribution score such that at least ``tpr`` of them score no
    higher; an OOD image is accepted when it scores no higher either. FPR95 of the OOD literature
    (Hendrycks and Gimpel, ICLR 2017), in-distribution images being its positives.

    Args:
        id_scores: float64 ``n``, of in-distribution images; higher = more out of distribution.
        ood_scores: float64 ``m``, of out-of-distribution images.
        tpr: Share of in-distribution images to accept, inside (0, 1].

    Returns:
        The share; NaN when one of the two is empty.

    Raises:
        ValueError: A score is NaN or tpr is not inside (0, 1].
    """
    if np.isnan(id_scores).any() or np.isnan(ood_scores).any():
        raise ValueError("id_scores, ood_scores: expected scores without NaN")
    if not 0.0 < tpr <= 1.0:
        raise ValueError(f"tpr: expected inside (0, 1], got {tpr}")
    if id_scores.size == 0 or ood_scores.size == 0:
        return math.nan
    accepted = np.arange(1, id_scores.size + 1) / id_scores.size
    limit = np.sort(id_scores)[int(np.searchsorted(accepted, tpr, side="left"))]
    return float(np.mean(ood_scores <= limit))
