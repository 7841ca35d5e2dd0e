"""Local features of pictures, and which pictures share many of them.

Whatever way round a copy lies and whatever was cut off, most of its details are those of the
original: of a few dozen keypoints (Lowe, IJCV 60, 2004) each has its nearest relatives among the
keypoints of all pictures, and a copy has far more of them than another picture of the same product.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import F32, U8

KEYPOINTS = 60
MIN_VOTES = 5
_PARTNERS = 3
_NEAREST = 3
_DIRECTIONS = 32
_SAMPLE = 8000
_CELL = 400  # descriptors a cell, on average
_CELLS_OF_A_QUERY = 4
_LEAST_CONTRAST = 0.004
_SPREAD, _SHADING, _NEIGHBOURHOOD = 40.0, 9, 33  # grey levels; pixels
_ORIENTATIONS = 8

Descriptors = U8


@dataclass(frozen=True)
class Keypoints:
    """The keypoints of a picture, the strongest first.

    Attributes:
        places: float32 ``k 2``, x and y in pixels.
        descriptors: uint8 ``k 128``, histograms of 4 x 4 fields and 8 orientations.
    """

    places: F32
    descriptors: Descriptors

    def mirrored(self, side: int) -> Keypoints:
        """Return the keypoints of the mirrored picture of so many pixels a side."""
        places = self.places * np.array([-1.0, 1.0], np.float32)
        places[:, 0] += side - 1
        return Keypoints(places, mirror(self.descriptors))


def detect(grey: U8, most: int = KEYPOINTS) -> Keypoints:
    """Return the keypoints of a picture, ``h w``, found in equal contrast everywhere."""
    sift = cv2.SIFT.create(
        nfeatures=most, contrastThreshold=_LEAST_CONTRAST, enable_precise_upscale=True
    )
    found, descriptors = sift.detectAndCompute(equal_contrast(grey), None)
    places = np.array([one.pt for one in found[:most]], np.float32).reshape(-1, 2)
    if descriptors is None:
        return Keypoints(places, np.zeros((0, 128), np.uint8))
    return Keypoints(places, descriptors[:most].astype(np.uint8))


def equal_contrast(grey: U8) -> U8:
    """Return a picture, ``h w``, without shading and with as much contrast everywhere."""
    picture = grey.astype(np.float32)
    smooth = cv2.blur(cv2.blur(picture, (_SHADING, _SHADING)), (_SHADING, _SHADING))
    rest = picture - smooth
    power = cv2.blur(rest * rest, (_NEIGHBOURHOOD, _NEIGHBOURHOOD))
    spread = np.sqrt(np.maximum(power, 0.0)) + 1.0
    return np.asarray(np.clip(128.0 + _SPREAD * rest / spread, 0.0, 255.0), np.uint8)


def mirror(descriptors: Descriptors) -> Descriptors:
    """Return the descriptors of mirrored patches: rows of fields and orientations reversed."""
    fields = descriptors.reshape(-1, 4, 4, _ORIENTATIONS)[:, ::-1]
    turned = fields[..., -np.arange(_ORIENTATIONS) % _ORIENTATIONS]
    return np.ascontiguousarray(turned.reshape(descriptors.shape))


@dataclass(frozen=True)
class _Index:
    """The descriptors of all pictures, in a few directions, sorted into cells.

    Attributes:
        points: float32 ``m d``.
        mirrored: The same of the mirrored patches.
        of: int64 ``m``, the picture of each.
        pivots: float32 ``c d``, drawn descriptors; a cell is what is nearest to one of them.
    """

    points: F32
    mirrored: F32
    of: NDArray[np.int64]
    pivots: F32

    @classmethod
    def over(cls, found: list[Descriptors]) -> _Index:
        """Return the index of the pictures' descriptors."""
        of = np.repeat(np.arange(len(found)), [len(one) for one in found])
        drawn = np.random.default_rng(0).permutation(len(of))
        sample = _root(np.concatenate(found)[drawn[:_SAMPLE]])
        mean = sample.mean(axis=0)
        axes = np.linalg.svd(sample - mean, full_matrices=False)[2][:_DIRECTIONS].T
        points = np.concatenate([(_root(one) - mean) @ axes for one in found])
        turned = np.concatenate([(_root(mirror(one)) - mean) @ axes for one in found])
        return cls(points, turned, of, points[drawn[: max(1, len(of) // _CELL)]])

    def nearest_pictures(self, queries: F32) -> NDArray[np.int64]:
        """Return the pictures of the nearest points of other pictures, ``m _NEAREST``, -1 for none.

        Args:
            queries: float32 ``m d``, points or mirrored points, of the same pictures.
        """
        m = len(queries)
        distance = np.full((m, _NEAREST), np.inf, np.float32)
        picture = np.full((m, _NEAREST), -1, np.int64)
        own, asked = self._cells(self.points, 1)[:, 0], self._cells(queries, _CELLS_OF_A_QUERY)
        members, askers = _by_cell(own), _by_cell(asked.ravel())
        for cell, rows in members.items():
            some = askers.get(cell, np.zeros(0, np.int64)) // asked.shape[1]
            if len(some):
                self._nearer(queries, some, rows, distance, picture)
        return picture

    def _nearer(
        self,
        queries: F32,
        some: NDArray[np.int64],
        rows: NDArray[np.int64],
        distance: F32,
        picture: NDArray[np.int64],
    ) -> None:
        """Put the nearest point of a cell among the nearest of some queries, in place."""
        points = self.points[rows]
        apart = (points**2).sum(axis=1) - 2.0 * (queries[some] @ points.T)
        apart[self.of[some][:, None] == self.of[rows]] = np.inf
        best = apart.argmin(axis=1)
        lowest = apart[np.arange(len(some)), best]
        whose = np.where(np.isfinite(lowest), self.of[rows][best], -1)
        near = np.hstack([distance[some], (lowest + (queries[some] ** 2).sum(axis=1))[:, None]])
        order = np.argsort(near, axis=1, kind="stable")[:, :_NEAREST]
        both = np.hstack([picture[some], whose[:, None]])
        distance[some] = np.take_along_axis(near, order, 1)
        picture[some] = np.take_along_axis(both, order, 1)

    def _cells(self, points: F32, count: int) -> NDArray[np.int64]:
        count = min(count, len(self.pivots))
        squared = (self.pivots**2).sum(axis=1)
        found = np.empty((len(points), count), np.int64)
        for start in range(0, len(points), _SAMPLE):
            rows = slice(start, start + _SAMPLE)
            apart = squared - 2.0 * (points[rows] @ self.pivots.T)
            found[rows] = np.argpartition(apart, count - 1, axis=1)[:, :count]
        return found


def vote(found: list[Descriptors]) -> list[tuple[int, int, bool]]:
    """Return the pairs of pictures that share most keypoints, and whether one is mirrored.

    Each keypoint, as it is and mirrored, has votes for the pictures of its nearest relatives, and
    each picture's pairs are the three that have most of its votes.

    Args:
        found: Descriptors of each picture.
    """
    if sum(len(one) for one in found) < 2:
        return []
    index, n = _Index.over(found), len(found)
    votes: list[tuple[int, int, int, bool]] = []
    for is_mirrored, queries in ((False, index.points), (True, index.mirrored)):
        picture = index.nearest_pictures(queries)
        for late in range(1, _NEAREST):  # a picture has one vote a keypoint
            again = (picture[:, :late] == picture[:, late : late + 1]).any(axis=1)
            picture[again, late] = -1
        ends = np.repeat(index.of, _NEAREST) * n + picture.ravel()
        pairs, counts = np.unique(ends[picture.ravel() >= 0], return_counts=True)
        enough = counts >= MIN_VOTES
        votes += [
            (-count, pair // n, pair % n, is_mirrored)
            for pair, count in zip(pairs[enough].tolist(), counts[enough].tolist(), strict=True)
        ]
    taken, kept = [0] * n, set()
    for _, voter, other, is_mirrored in sorted(votes):
        if taken[voter] < _PARTNERS:
            taken[voter] += 1
            kept.add((min(voter, other), max(voter, other), is_mirrored))
    return sorted(kept)


def _root(descriptors: Descriptors) -> F32:
    """Return Hellinger's square roots (Arandjelovic and Zisserman, CVPR 2012)."""
    values = descriptors.astype(np.float32)
    sums = np.maximum(values.sum(axis=1, keepdims=True), 1.0)
    return np.asarray(np.sqrt(values / sums), np.float32)


def _by_cell(cells: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Return the places of each cell's number."""
    order = np.argsort(cells, kind="stable")
    numbers, first = np.unique(cells[order], return_index=True)
    return dict(zip(numbers.tolist(), np.split(order, first[1:]), strict=True))
