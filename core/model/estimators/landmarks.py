"""Landmarks: what keeps the cost of a kernel bounded, however many pictures it is fitted on.

Up to ``ALL_FEATURES`` training pictures the kernel compares all features with all of them. Beyond
that it compares their ``DIRECTIONS`` main directions, and beyond ``LANDMARKS`` pictures it compares
with the centres of so many clusters (the Nyström method: Williams and Seeger, NIPS 2000; centres as
landmarks: Zhang, Tsang and Kwok, ICML 2008). The numbers were chosen out of fold on the training
pictures of three sets (`python -m tests.benchmarks landmarks`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.clusters import cluster_centres
from core.types import F32, F64

LANDMARKS = 2000
DIRECTIONS = 256
ALL_FEATURES = 1000
_CLUSTERED = 10 * LANDMARKS  # pictures that the clusters are looked for among
_BLOCK = 5000  # rows: no n x n and no second n x d array at any time
_LEAST = 1e-6  # of the largest eigenvalue: what is below is rounding


def main_directions(z: F32, count: int) -> F32:
    """Return the directions ``q d`` that carry most of the features, at most one a picture."""
    from scipy.linalg import eigh

    width = z.shape[1]
    count = min(count, *z.shape)
    if 2 * len(z) < width:
        return _directions_of_few(z, count)
    moments = np.zeros((width, width))
    for start in range(0, len(z), _BLOCK):
        block = z[start : start + _BLOCK]
        moments += block.T.astype(np.float64) @ block.astype(np.float64)
    vectors = eigh(moments, subset_by_index=(width - count, width - 1))[1]
    return np.ascontiguousarray(vectors.T, dtype=np.float32)


def _directions_of_few(z: F32, count: int) -> F32:
    """Return the same of far fewer pictures than features, from the products among pictures."""
    from scipy.linalg import eigh

    exact = z.astype(np.float64)
    last = len(z) - 1
    values, vectors = eigh(exact @ exact.T, subset_by_index=(last + 1 - count, last))
    lengths = np.sqrt(np.maximum(values, _LEAST**2 * values[-1]))
    return np.ascontiguousarray((vectors / lengths).T @ exact, dtype=np.float32)


def kernel_directions(z: F32) -> F32 | None:
    """Return the directions in which a kernel compares, float32 ``q d``; None for all features."""
    if len(z) <= ALL_FEATURES or z.shape[1] <= DIRECTIONS:
        return None
    return main_directions(z, DIRECTIONS)


def choose_landmarks(z: F32, count: int, seed: int = 0) -> F32:
    """Return what a kernel compares pictures with: themselves, or centres of clusters of them.

    Args:
        z: float32 ``n d``, the training pictures.
        count: The most landmarks.
        seed: Of the draw of pictures and of the first centres.

    Returns:
        float32 ``m d``.
    """
    if len(z) <= count:
        return z
    drawn = np.sort(np.random.default_rng(seed).permutation(len(z))[:_CLUSTERED])
    return cluster_centres(z[drawn], count, seed)


def ridge_on_landmarks(
    z: F32, landmarks: F32, targets: F64, weight: F64, *, gamma: float, ridge: float
) -> F64:
    """Return the weights of kernel ridge regression as a sum over landmarks.

    With the training pictures as landmarks it is kernel ridge regression itself. Time and memory
    are linear in the number of pictures.

    Args:
        z: float32 ``n d``.
        landmarks: float32 ``m d``.
        targets: float64 ``n t``.
        weight: float64 ``n``, how much each picture counts.
        gamma: Width of the kernel.
        ridge: Strength of the penalty.

    Returns:
        float64 ``m t``.
    """
    from sklearn.metrics.pairwise import rbf_kernel

    square, right = _moments(z, landmarks, targets, weight, gamma)
    among = rbf_kernel(landmarks, gamma=gamma).astype(np.float64)
    values, vectors = np.linalg.eigh(among)
    kept = values > _LEAST * values[-1]
    root = vectors[:, kept] / np.sqrt(values[kept])
    penalised = root.T @ square @ root
    penalised[np.diag_indices(len(penalised))] += ridge
    return np.asarray(root @ np.linalg.solve(penalised, root.T @ right), np.float64)


def _moments(z: F32, landmarks: F32, targets: F64, weight: F64, gamma: float) -> tuple[F64, F64]:
    """Return ``K' W K`` and ``K' W y`` of the kernel ``n m``, a block of pictures at a time."""
    from sklearn.metrics.pairwise import rbf_kernel

    square = np.zeros((len(landmarks), len(landmarks)))
    right = np.zeros((len(landmarks), targets.shape[1]))
    for start in range(0, len(z), _BLOCK):
        rows = slice(start, start + _BLOCK)
        root: NDArray[np.float64] = np.sqrt(weight[rows, None])
        near = root * rbf_kernel(z[rows], landmarks, gamma=gamma)
        square += near.T @ near
        right += near.T @ (root * targets[rows])
    return square, right
