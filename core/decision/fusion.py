"""Weights of several experts (stacking): one an expert, fitted out of fold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.splits import folds
from core.types import F64

FOLDS = 5
_MAX_WEIGHT = 1e3

Labels = NDArray[np.integer[Any]]


def fuse(scores: F64, weights: F64) -> F64:
    """Return the weighted sum of the experts' class scores.

    Args:
        scores: float64 ``e ... k``, one block of logits an expert.
        weights: float64 ``e``.

    Returns:
        float64 ``... k``; scores of an expert of weight 0 are not used, even where NaN.
    """
    used = np.flatnonzero(weights)
    return np.asarray(np.tensordot(weights[used], scores[used], axes=1), np.float64)


def fit_weights(scores: F64, labels: Labels) -> F64:
    """Return the non-negative weights under which the summed scores predict best.

    Stacking (Wolpert 1992) with one number an expert: the logits of ``softmax(Σ w_e s_e + b)`` have
    the least negative log likelihood. The weights are scaled to a sum of one, since the calibrator
    that follows sets the scale.

    Args:
        scores: float64 ``e n k``, out-of-fold logits.
        labels: int ``n``.

    Raises:
        ValueError: Shapes are not as stated.
    """
    if scores.ndim != 3 or labels.shape != scores.shape[1:2]:
        raise ValueError(
            f"scores, labels: expected (e, n, k) and (n,), got {scores.shape} and {labels.shape}"
        )
    even, spread = _scale_to_unit(scores)
    weights: F64 = _fit(even, labels)[: len(scores)] / spread
    total = float(weights.sum())
    if total == 0.0:
        return np.full(len(scores), 1.0 / len(scores))
    shares: F64 = weights / total
    return shares


def choose_weights(scores: F64, labels: Labels, groups: NDArray[Any], seed: int) -> F64:
    """Return the weights of the best expert alone, or of all, by cross-validated likelihood.

    Args:
        scores: float64 ``e n k``, out-of-fold logits; the first expert is the one to fall back on
            when fewer than two classes have groups enough to choose by.
        labels: int ``n``.
        groups: ``n``, the group of each image.
        seed: Of the folds.

    Returns:
        float64 ``e``.
    """
    alone = list(np.eye(len(scores)))
    counts = _groups_per_class(labels, groups)
    if len(scores) == 1 or np.count_nonzero(counts >= FOLDS) < 2:
        return alone[0]
    fold = folds(labels, groups, FOLDS, seed)
    single = [_held_out(one[None], labels, fold) for one in scores]
    best = int(np.argmin(single))
    together = _held_out(scores, labels, fold) < single[best]
    return fit_weights(scores, labels) if together else alone[best]


def _groups_per_class(labels: Labels, groups: NDArray[Any]) -> NDArray[np.int64]:
    pairs = np.unique(np.stack([labels, np.unique(groups, return_inverse=True)[1]]), axis=1)
    return np.unique(pairs[0], return_counts=True)[1].astype(np.int64)


def _scale_to_unit(scores: F64) -> tuple[F64, F64]:
    """Return each expert's scores at a deviation of one, and the deviations."""
    spread = np.maximum(scores.std(axis=(1, 2)), 1e-12)
    return scores / spread[:, None, None], spread


def _held_out(scores: F64, labels: Labels, fold: NDArray[np.int64]) -> float:
    """Return the mean negative log likelihood, each fold by weights fitted on the others."""
    even = _scale_to_unit(scores)[0]
    total = 0.0
    for number in np.unique(fold):
        out = fold == number
        found = _fit(even[:, ~out], labels[~out])
        total += _loss(found, even[:, out], labels[out])[0] * int(out.sum())
    return total / len(labels)


def _fit(even: F64, labels: Labels) -> F64:
    experts, n, classes = even.shape
    start = np.concatenate([np.full(experts, 1.0 / experts), np.zeros(classes)])
    bounds = [(0.0, _MAX_WEIGHT)] * experts + [(None, None)] * classes

    def penalised(parameters: F64) -> tuple[float, F64]:
        # An L2 penalty worth half a case keeps the weights finite on separable data.
        loss, slope = _loss(parameters, even, labels)
        return loss + 0.5 / n * float(parameters @ parameters), slope + parameters / n

    from scipy.optimize import minimize  # takes a tenth of a second: for fitting alone

    return np.asarray(
        minimize(penalised, start, jac=True, method="L-BFGS-B", bounds=bounds).x, np.float64
    )


def _loss(parameters: F64, scores: F64, labels: Labels) -> tuple[float, F64]:
    """Return the cross-entropy of the weighted sum with a bias a class, and its gradient."""
    experts, n = scores.shape[:2]
    logits = np.tensordot(parameters[:experts], scores, axes=1) + parameters[experts:]
    logits -= logits.max(axis=1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    slope = np.exp(logs)
    slope[np.arange(n), labels] -= 1.0
    gradient = np.concatenate([np.einsum("enk,nk->e", scores, slope), slope.sum(axis=0)]) / n
    return -float(logs[np.arange(n), labels].mean()), gradient
