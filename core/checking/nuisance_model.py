"""How well a few numbers alone predict the label of a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from core.types import F64

LANDMARKS = 60
COMPONENTS = 12
_RIDGE = 1e-2


def out_of_fold(
    numbers: F64, targets: NDArray[np.bool_], place: NDArray[np.integer[Any]], seed: int
) -> F64:
    """Return scores of every picture by a small model that saw none of its fold.

    Kernel ridge regression on a few landmarks (Nyström; Williams and Seeger, NIPS 2000): it fits
    curves and thresholds, and a fit is one small linear system for all targets, so hundreds of
    them take seconds. Columns are ranked first, so that scale and outliers do not matter.

    Args:
        numbers: float64 ``n c``.
        targets: bool ``n t``, what is predicted from the numbers.
        place: ``n``, the fold of each picture; a group never falls into two.
        seed: Seed of the landmarks.

    Returns:
        float64 ``n t``, higher = more likely true.

    Raises:
        ValueError: The arrays differ in length.
    """
    if not len(numbers) == len(targets) == len(place):
        raise ValueError(
            f"numbers, targets, place: expected equal lengths, got {len(numbers)}, "
            f"{len(targets)}, {len(place)}"
        )
    basis = _basis(numbers, np.random.default_rng(seed))
    scores = np.zeros(targets.shape)
    for fold in np.unique(place):
        is_left_out = place == fold
        scores[is_left_out] = basis[is_left_out] @ _weights(
            basis[~is_left_out], targets[~is_left_out]
        )
    return scores


def _basis(numbers: F64, rng: np.random.Generator) -> F64:
    """Return radial basis functions around landmarks, the ranked numbers and a constant."""
    ranked = np.asarray(rankdata(numbers, axis=0)) / len(numbers)
    ranked = ranked - ranked.mean(axis=0)
    ranked /= np.maximum(ranked.std(axis=0), 1e-9)
    if ranked.shape[1] > COMPONENTS:
        _, directions = np.linalg.eigh(ranked.T @ ranked)
        ranked = ranked @ directions[:, -COMPONENTS:]
    picked = rng.permutation(len(ranked))[:LANDMARKS]
    squared = cdist(ranked, ranked[picked], "sqeuclidean")
    kernels = np.exp(-squared / max(float(squared.mean()), 1e-9))
    return np.hstack([kernels, 0.1 * ranked, np.ones((len(ranked), 1))])


def _weights(basis: F64, targets: NDArray[np.bool_]) -> F64:
    square = basis.T @ basis + _RIDGE * len(basis) / LANDMARKS * np.eye(basis.shape[1])
    return np.asarray(solve(square, basis.T @ (2.0 * targets - 1.0), assume_a="pos"))
