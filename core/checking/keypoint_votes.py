"""Which pictures share many keypoints, found among all pictures at once.

A copy has far more relatives among its original's keypoints than among those of another picture of
the same product. The index of all keypoints lies in a file, and a thousand pictures at a time ask.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.checking.keypoints import Descriptors, KeypointRows, mirror
from core.checking.pivots import Pivots, by_number
from core.checking.row_file import RowFile
from core.types import F32

MIN_VOTES = 5
_PARTNERS = 3
_NEAREST = 3
_DIRECTIONS = 32
_SAMPLE = 8000
_CELL = 400  # descriptors a cell, on average
_CELLS_OF_A_QUERY = 4
_ASKED = 1000  # pictures whose relatives are looked for at a time
_TOGETHER = 1000  # descriptors projected at a time
_COMPARED = 1_000_000  # pairs of descriptors compared at a time
_POINT = np.dtype([("vector", np.float32, (_DIRECTIONS,)), ("picture", np.int32)])


def vote(found: KeypointRows) -> list[tuple[int, int, bool]]:
    """Return the pairs of pictures that share most keypoints, and whether one is mirrored.

    Each keypoint, as it is and mirrored, has votes for the pictures of its nearest relatives, and
    each picture's pairs are the three that have most of its votes.

    Args:
        found: Descriptors of each picture.
    """
    if found.counts.sum() < 2:
        return []
    index = _Index.over(found)
    kept: set[tuple[int, int, bool]] = set()
    for start in range(0, len(found), _ASKED):
        kept |= index.partners(*found.between(start, start + _ASKED))
    return sorted(kept)


@dataclass(frozen=True)
class _Index:
    """The descriptors of all pictures, in a few directions, sorted into cells.

    Attributes:
        mean: float32 ``128``, of roots of descriptors.
        axes: float32 ``128 d``.
        pivots: Drawn descriptors; a cell is what is nearest to one of them.
        points: Cell by cell in the order of the pictures, each with its picture.
        starts: int64 ``c + 1``, where each cell's points begin.
    """

    mean: F32
    axes: F32
    pivots: Pivots
    points: RowFile
    starts: NDArray[np.int64]

    @classmethod
    def over(cls, found: KeypointRows) -> _Index:
        """Return the index of the pictures' descriptors."""
        ends = np.cumsum(found.counts)
        m = int(ends[-1])
        count = max(1, m // _CELL)
        drawn = np.random.default_rng(0).permutation(m)[: max(_SAMPLE, count)]
        whose = np.searchsorted(ends, drawn, "right")
        place = drawn - (ends - found.counts)[whose]
        each = zip(whose.tolist(), place.tolist(), strict=True)
        descriptors = np.stack([found[a].descriptors[b] for a, b in each])
        sample = square_roots(descriptors[:_SAMPLE])
        mean = sample.mean(axis=0)
        axes = np.linalg.svd(sample - mean, full_matrices=False)[2][:_DIRECTIONS].T
        pivots = Pivots.over(_project(descriptors[:count], mean, axes))
        return cls(mean, axes, pivots, *_sort_into_cells(found, mean, axes, pivots))

    def partners(
        self, descriptors: Descriptors, of: NDArray[np.int64]
    ) -> set[tuple[int, int, bool]]:
        """Return the pairs of some pictures with those that have most of their votes.

        Args:
            descriptors: uint8 ``m 128``, all of these pictures'.
            of: int64 ``m``, the picture of each.
        """
        votes: list[tuple[int, int, int, bool]] = []
        for is_mirrored in (False, True):
            asked = mirror(descriptors) if is_mirrored else descriptors
            picture = self._nearest_pictures(_project(asked, self.mean, self.axes), of)
            for late in range(1, _NEAREST):  # a picture has one vote a keypoint
                again = (picture[:, :late] == picture[:, late : late + 1]).any(axis=1)
                picture[again, late] = -1
            ends = np.stack([np.repeat(of, _NEAREST), picture.ravel()])[:, picture.ravel() >= 0]
            pairs, counts = np.unique(ends, axis=1, return_counts=True)
            enough = counts >= MIN_VOTES
            votes += [
                (-count, voter, other, is_mirrored)
                for voter, other, count in zip(
                    *pairs[:, enough].tolist(), counts[enough].tolist(), strict=True
                )
            ]
        taken: Counter[int] = Counter()
        kept = set()
        for _, voter, other, is_mirrored in sorted(votes):
            if taken[voter] < _PARTNERS:
                taken[voter] += 1
                kept.add((min(voter, other), max(voter, other), is_mirrored))
        return kept

    def _nearest_pictures(self, queries: F32, of: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the pictures of the nearest points of other pictures, ``m _NEAREST``, -1 for none.

        Args:
            queries: float32 ``m d``, points or mirrored points.
            of: int64 ``m``, the picture of each.
        """
        m = len(queries)
        distance = np.full((m, _NEAREST), np.inf, np.float32)
        picture = np.full((m, _NEAREST), -1, np.int64)
        asked = self.pivots.nearest(queries, _CELLS_OF_A_QUERY)
        for cell, askers in by_number(asked.ravel()).items():
            points = self.points[self.starts[cell] : self.starts[cell + 1]]
            # Some cells hold very many points.
            step = max(1, _COMPARED // max(1, len(points)))
            for start in range(0, len(askers) if len(points) else 0, step):
                some = askers[start : start + step] // asked.shape[1]
                _put_nearer(queries[some], of[some], points, some, distance, picture)
        return picture


def _put_nearer(
    queries: F32,
    of: NDArray[np.int64],
    points: NDArray[Any],
    some: NDArray[np.int64],
    distance: F32,
    picture: NDArray[np.int64],
) -> None:
    """Put the nearest point of a cell among the nearest of some queries, in place."""
    vectors, pictures = points["vector"], points["picture"]
    apart = (vectors**2).sum(axis=1) - 2.0 * (queries @ vectors.T)
    apart[of[:, None] == pictures] = np.inf
    best = apart.argmin(axis=1)
    lowest = apart[np.arange(len(some)), best]
    whose = np.where(np.isfinite(lowest), pictures[best], -1)
    near = np.hstack([distance[some], (lowest + (queries**2).sum(axis=1))[:, None]])
    order = np.argsort(near, axis=1, kind="stable")[:, :_NEAREST]
    both = np.hstack([picture[some], whose[:, None]])
    distance[some] = np.take_along_axis(near, order, 1)
    picture[some] = np.take_along_axis(both, order, 1)


def _sort_into_cells(
    found: KeypointRows, mean: F32, axes: F32, pivots: Pivots
) -> tuple[RowFile, NDArray[np.int64]]:
    """Return all points with their pictures, cell by cell, and where each cell begins."""
    counts = np.zeros(len(pivots) + 1, np.int64)
    own = RowFile((), np.int32)
    for start in range(0, len(found), _ASKED):
        descriptors, _ = found.between(start, start + _ASKED)
        nearest = pivots.nearest(_project(descriptors, mean, axes), 1)[:, 0]
        own.extend(nearest)
        counts[1:] += np.bincount(nearest, minlength=len(pivots))
    starts = np.cumsum(counts)
    points, free, done = RowFile((), _POINT, int(starts[-1])), starts[:-1].copy(), 0
    for start in range(0, len(found), _ASKED):
        descriptors, of = found.between(start, start + _ASKED)
        records = np.empty(len(of), _POINT)
        records["vector"], records["picture"] = _project(descriptors, mean, axes), of
        for cell, rows in by_number(own[done : done + len(of)]).items():
            points[int(free[cell])] = records[rows]
            free[cell] += len(rows)
        done += len(of)
    return points, starts


def _project(descriptors: Descriptors, mean: F32, axes: F32) -> F32:
    found = np.empty((len(descriptors), axes.shape[1]), np.float32)
    for start in range(0, len(descriptors), _TOGETHER):
        rows = slice(start, start + _TOGETHER)
        found[rows] = (square_roots(descriptors[rows]) - mean) @ axes
    return found


def square_roots(descriptors: Descriptors) -> F32:
    """Return descriptors as Hellinger's square roots (Arandjelovic and Zisserman, CVPR 2012)."""
    values = descriptors.astype(np.float32)
    sums = np.maximum(values.sum(axis=1, keepdims=True), 1.0)
    return np.asarray(np.sqrt(values / sums), np.float32)
