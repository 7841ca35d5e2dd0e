"""The same picture twice: byte for byte, or saved again, resized, brightened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from core.types import F32, U8

ALIKE = 0.98
_PERHAPS = 0.9
_NEIGHBOURS = 5
_BLUR = 4.0
_BLOCK = 512
_FLAT = 0.5  # grey levels: below this spread, what is left of a picture is noise


def exact_copies(sha256: Sequence[str]) -> list[list[int]]:
    """List the sets of pictures of the same bytes, as row numbers."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, digest in enumerate(sha256):
        rows[digest].append(row)
    return [same for same in rows.values() if len(same) > 1]


def near_copies(details: U8) -> list[list[int]]:
    """List the sets of pictures that show the same thing down to the fine detail, as row numbers.

    Each picture's fine structure (what a Gaussian blur of 4 pixels takes away, less what all
    pictures of the set share) is correlated with every other's at 32 x 32, and the five most alike
    again at 64 x 64. Light and contrast do not count. Two pictures are copies at a correlation of
    0.98 or more: another photograph of the same kind of part stayed below 0.97 on every data set
    that this was looked at on, and a picture saved again as a JPEG stays above it.

    Args:
        details: uint8 ``n h w`` with h = w = 64, grey.

    Raises:
        ValueError: The array has another shape.
    """
    if details.ndim != 3 or details.shape[1:] != (64, 64):
        raise ValueError(f"details: expected (n, 64, 64), got {details.shape}")
    n = len(details)
    if n < 2:
        return []
    fine = np.stack([_fine(one) for one in details])
    fine -= fine.mean(axis=0)
    sound = fine.std(axis=(1, 2)) > _FLAT
    coarse = _unit(fine.reshape(n, 32, 2, 32, 2).mean(axis=(2, 4)))
    full = _unit(fine)
    pairs = [
        (a, b)
        for a, b in _candidates(coarse)
        if sound[a] and sound[b] and float(full[a] @ full[b]) >= ALIKE
    ]
    return clusters(n, pairs)


def clusters(n: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Join pairs of row numbers below n into sets, each in ascending order."""
    ends = np.array(list(pairs), np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n))
    member: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    sizes = np.bincount(member, minlength=1)
    return [np.flatnonzero(member == one).tolist() for one in np.flatnonzero(sizes > 1)]


def _fine(grey: U8) -> F32:
    picture = grey.astype(np.float32)
    return picture - np.asarray(cv2.GaussianBlur(picture, (0, 0), _BLUR), np.float32)


def _unit(pictures: F32) -> F32:
    flat = pictures.reshape(len(pictures), -1)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6))


def _candidates(coarse: F32) -> Iterator[tuple[int, int]]:
    """Yield each picture with its nearest few, where they are alike at all."""
    n = len(coarse)
    nearest = min(_NEIGHBOURS, n - 1)
    for start in range(0, n, _BLOCK):
        alike = coarse[start : start + _BLOCK] @ coarse.T
        rows = np.arange(len(alike))
        alike[rows, start + rows] = -1.0
        best = np.argpartition(alike, n - nearest, axis=1)[:, n - nearest :]
        for row, columns in enumerate(best.tolist()):
            for column in columns:
                if alike[row, column] >= _PERHAPS:
                    yield start + row, column
