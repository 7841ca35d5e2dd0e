"""Which of very many drawn points are nearest to others, without comparing each with each.

Some of the points head a group of those nearest to them; a query is compared with the heads, and
then with the points of the groups of the nearest heads alone. So the work grows with the square
root of the number of points; a point whose group is far is missed, which is rare.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from core.types import F32

FEW = 1000
"""So many points are compared with every query."""

_GROUPS_OF_A_QUERY = 16
_TOGETHER = 1000  # queries compared with all points at a time
_IN_GROUPS = 20_000  # queries compared with the points of groups at a time


@dataclass(frozen=True, eq=False)
class Pivots:
    """Drawn points.

    Attributes:
        points: float32 ``c d``.
        heads: float32 ``g d``, the first of them; none where there are few.
        groups: int64 each, the points that are nearest to each head.
    """

    points: F32
    heads: F32
    groups: tuple[NDArray[np.int64], ...]

    @classmethod
    def over(cls, points: F32) -> Pivots:
        """Return points in the order in which they were drawn, in groups where they are many."""
        if len(points) <= FEW:
            return cls(points, points[:0], ())
        distinct = np.sort(np.unique(points, axis=0, return_index=True)[1])
        heads = points[distinct[: isqrt(len(points))]]
        own, none = by_number(_nearest(points, heads, 1)[:, 0]), np.zeros(0, np.int64)
        return cls(points, heads, tuple(own.get(number, none) for number in range(len(heads))))

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.points)

    def nearest(self, queries: F32, count: int) -> NDArray[np.int64]:
        """Return the nearest points of each query, in no order, ``m min(count c)``."""
        count = min(count, len(self.points))
        if not self.groups:
            return _nearest(queries, self.points, count)
        found = np.empty((len(queries), count), np.int64)
        for start in range(0, len(queries), _IN_GROUPS):
            rows = slice(start, start + _IN_GROUPS)
            found[rows] = self._nearest_in_groups(queries[rows], count)
        return found

    def _nearest_in_groups(self, queries: F32, count: int) -> NDArray[np.int64]:
        asked = _nearest(queries, self.heads, min(_GROUPS_OF_A_QUERY, len(self.heads)))
        apart = np.full((len(queries), count), np.inf, np.float32)
        found = np.zeros((len(queries), count), np.int64)
        for number, places in by_number(asked.ravel()).items():
            some, group = places // asked.shape[1], self.groups[number]
            if not len(group):
                continue
            both = np.hstack([apart[some], _apart(queries[some], self.points[group])])
            kept = np.argpartition(both, count - 1, axis=1)[:, :count]
            before = np.take_along_axis(found[some], np.minimum(kept, count - 1), 1)
            apart[some] = np.take_along_axis(both, kept, 1)
            found[some] = np.where(kept < count, before, group[np.maximum(kept - count, 0)])
        return found


def by_number(numbers: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Return the places of each number."""
    order = np.argsort(numbers, kind="stable")
    each, first = np.unique(numbers[order], return_index=True)
    return dict(zip(each.tolist(), np.split(order, first[1:]), strict=True))


def _nearest(queries: F32, points: F32, count: int) -> NDArray[np.int64]:
    found = np.empty((len(queries), count), np.int64)
    for start in range(0, len(queries), _TOGETHER):
        rows = slice(start, start + _TOGETHER)
        found[rows] = np.argpartition(_apart(queries[rows], points), count - 1, axis=1)[:, :count]
    return found


def _apart(queries: F32, points: F32) -> F32:
    """Return squared distances, ``m c``, less the square of each query."""
    return np.asarray((points**2).sum(axis=1) - 2.0 * (queries @ points.T), np.float32)
