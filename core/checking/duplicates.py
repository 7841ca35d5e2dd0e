"""The same picture twice: byte for byte, or saved again, resized, mirrored, turned, cropped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from core.checking.registration import DETAIL, correlation, turn_between
from core.checking.row_file import Rows, empty_rows, set_rows
from core.checking.signature import (
    HARMONICS,
    RADII,
    SIDE,
    VIEWS,
    SpectrumScaler,
    View,
    rings,
    spectra,
    structure,
)
from core.clusters import cluster_centres
from core.ordered_map import Each
from core.types import F32, U8

ALIKE = 0.95
SAVED_AGAIN = 0.98
_PERHAPS = 0.4
_CLOSER = 0.7
_NEIGHBOURS = 5
_OTHERS = 24  # the neighbour that is no copy: hardly a picture has more copies than that
_COMPARED = 3
_LEAST_PEAK = 0.55
_SAMPLE = 60
_MOST_SHARED = 0.95
_BLOCK = 256
_BLOCK_OF_A_CELL = 1024
_ALL_PAIRS = 4000  # pictures up to which each is compared with all
_CELL = 1000  # pictures a cell beyond that
_CELLS_OF_A_VIEW = 2
_FLAT = 0.5  # grey levels: below this spread, what is left of a picture is noise


def exact_copies(sha256: Sequence[str]) -> list[list[int]]:
    """Return the sets of pictures of the same bytes, as row numbers."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, digest in enumerate(sha256):
        rows[digest].append(row)
    return [same for same in rows.values() if len(same) > 1]


def near_copies(details: Rows, each: Each = map) -> list[list[int]]:
    """Return the sets of pictures that come of one exposure, as row numbers.

    Candidates are the nearest few by spectra that no turn and no mirror changes, of the whole
    picture and of parts down to nine tenths. Each is laid over the other. Their distance, one
    less the correlation of their structures, is held against the distance of pictures that are
    no copies: pairs drawn from the set, and the 24th neighbours of the two. Two pictures are
    copies where theirs is a twentieth of that or less, or where their finest detail at 64 x 64,
    less what all pictures share, agrees at 0.98 in one of the eight orientations.

    Dark, even pictures of one product differ little from each other: some are joined that show
    neighbours (cells of one wafer), and copies of theirs that were turned or cropped are missed:
    ``exposures`` finds those.

    Args:
        details: uint8 ``n h w`` with h = w = 128, grey.
        each: Compares pairs, on several threads or one.

    Raises:
        ValueError: The array has another shape.
    """
    if details.shape[1:] != (DETAIL, DETAIL):
        raise ValueError(f"details: expected (n, {DETAIL}, {DETAIL}), got {details.shape}")
    n = len(details)
    if n < 2:
        return []
    return clusters(n, _Search.over(details).pairs(each))


def clusters(n: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return sets of row numbers below n that pairs join, each in ascending order."""
    ends = np.array(list(pairs), np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n))
    member: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    order = np.argsort(member, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(member, minlength=1))[:-1])
    return [one.tolist() for one in parts if len(one) > 1]


@dataclass(frozen=True)
class _Search:
    """Pictures ready to be compared.

    Attributes:
        details: uint8 ``n DETAIL DETAIL``.
        sound: bool ``n``, which have structure to compare.
        common: Finest detail that all share, float32 ``SIDE SIDE``.
        units: Unit spectra of each view, float32 ``n d``.
    """

    details: Rows
    sound: NDArray[np.bool_]
    common: F32
    units: Sequence[Rows]

    @classmethod
    def over(cls, details: Rows) -> _Search:
        """Return what every comparison needs once, a block of pictures at a time."""
        n, width = len(details), RADII * HARMONICS
        units = [empty_rows(details, (width,), np.float32) for _ in VIEWS]
        common, sound = np.zeros((SIDE, SIDE), np.float32), np.empty(n, np.bool_)
        for start in range(0, n, _BLOCK):
            rows = slice(start, start + _BLOCK)
            small = [_small(one) for one in details[rows]]
            structures = np.stack([structure(one) for one in small])
            sound[rows] = structures.std(axis=(1, 2)) > _FLAT
            for one in small:
                common += _fine(one)
            for number, view in enumerate(VIEWS):
                set_rows(units[number], start, spectra(rings(structures, view)))
        scale = SpectrumScaler.of(units[0])
        for number, start in product(range(len(VIEWS)), range(0, n, _BLOCK)):
            level = scale.unit(units[number][start : start + _BLOCK])
            set_rows(units[number], start, level)
        return cls(details, sound, common / np.float32(n), units)

    def pairs(self, each: Each) -> Iterator[tuple[int, int]]:
        """Yield the pairs that are copies."""
        n = len(self.details)
        candidates, others = self._neighbours()
        shared = min(self._shared(), _MOST_SHARED)
        least = 1.0 - (1.0 - ALIKE) * (1.0 - shared)
        compared = each(partial(self._alike_or_negative, least=least), candidates)
        pairs = [(a, b, alike) for a, b, alike in compared if alike >= least]
        near = np.zeros(n)
        if n > 2 * _OTHERS:
            ends = np.unique(np.array([one[:2] for one in pairs], np.int64)).tolist()
            near[ends] = list(each(partial(self._nearest_other, others), ends))
        for a, b, alike in pairs:
            limit = max(shared, min(near[a], near[b]))
            is_close = 1.0 - alike <= (1.0 - ALIKE) * (1.0 - limit)
            if is_close or self._saved_again(a, b):
                yield a, b

    def _alike_or_negative(
        self, pair: tuple[int, int, int], *, least: float
    ) -> tuple[int, int, float]:
        """Return a pair with how alike it is; where that is too little, as a negative."""
        a, b, view = pair
        alike = self._alike(a, b, VIEWS[view])
        if alike < least:
            alike = self._alike(a, b, VIEWS[view], is_negative=True)
        return a, b, alike

    def _neighbours(self) -> tuple[Iterator[tuple[int, int, int]], NDArray[np.int32]]:
        """Return candidate pairs with the view of the second that fits, and each one's others."""
        n = len(self.details)
        far = min(_OTHERS, n - 1)
        found = [np.zeros((0, 3), np.int32)]
        others = np.zeros((n, _COMPARED), np.int32)
        for rows, columns in cells(self.units):
            alike, view = self._block(rows, columns)
            ranks = np.arange(min(far + _COMPARED, len(columns)))
            order = np.argpartition(-alike, ranks if n > 1 else 0)
            pairs: list[tuple[int, int, int]] = []
            for at, row in enumerate(rows.tolist()):
                ranked = order[at]
                others[row] = np.resize(columns[ranked[far : far + _COMPARED]], _COMPARED)
                usual = alike[at, ranked[far]] if n > 2 * _OTHERS else 0.0
                least = max(_PERHAPS, 1.0 - _CLOSER * (1.0 - usual))
                close = [c for c in ranked[:_NEIGHBOURS].tolist() if alike[at, c] >= least]
                for c in close if self.sound[row] else ():
                    pairs.append((row, int(columns[c]), int(view[at, c])))
            found.append(np.array(pairs, np.int32).reshape(-1, 3))
        return _first_of_each_pair(np.concatenate(found), n), others

    def _block(
        self, rows: NDArray[np.intp], columns: NDArray[np.intp]
    ) -> tuple[F32, NDArray[np.int8]]:
        """Return the best correlation of some pictures with views of others, and which view."""
        queries: F32 = self.units[0][rows]
        best: F32 = queries @ self.units[0][columns].T
        view = np.zeros(best.shape, np.int8)
        for number in range(1, len(VIEWS)):
            correlations = queries @ self.units[number][columns].T
            view[correlations > best] = number
            np.maximum(best, correlations, out=best)
        best[:, ~self.sound[columns]] = -1.0
        best[rows[:, None] == columns[None]] = -2.0
        return best, view

    def _alike(
        self,
        a: int,
        b: int,
        view: View,
        least: float = _LEAST_PEAK,
        *,
        is_negative: bool = False,
    ) -> float:
        """Return the correlation of a picture with a view of another, or with its negative."""
        sign = np.float32(-1.0 if is_negative else 1.0)
        peak, turn, mirrored = turn_between(self._around(a, VIEWS[0]), sign * self._around(b, view))
        if peak < least:
            return 0.0
        other = cv2.bitwise_not(self.details[b]) if is_negative else self.details[b]
        return correlation(self.details[a], np.asarray(other), view, turn, mirrored=mirrored)

    def _saved_again(self, a: int, b: int) -> bool:
        """Return whether two pictures agree to the finest detail, in one of eight orientations."""
        one = _fine(_small(self.details[a])) - self.common
        turned = np.stack(_orientations(_fine(_small(self.details[b])))) - self.common
        norms = np.linalg.norm(turned, axis=(1, 2)) * np.linalg.norm(one)
        return bool((np.tensordot(turned, one) >= SAVED_AGAIN * np.maximum(norms, 1e-6)).any())

    def _around(self, one: int, view: View) -> F32:
        """Return a picture's rings; computed again each time, to keep no more of it in memory."""
        return np.asarray(rings(structure(_small(self.details[one]))[None], view)[0], np.float32)

    def _shared(self) -> float:
        """Return how alike two pictures of the set usually are."""
        rows = np.flatnonzero(self.sound)
        if len(rows) < 2:
            return 0.0
        rng = np.random.default_rng(0)
        drawn = [rng.choice(rows, 2, replace=False) for _ in range(_SAMPLE)]
        return max(0.0, float(np.median([self._alike(a, b, VIEWS[0], -1.0) for a, b in drawn])))

    def _nearest_other(self, others: NDArray[np.int32], one: int) -> float:
        """Return how alike a picture is to those of its kind that are no copies of it."""
        alike = [self._alike(one, other, VIEWS[0], -1.0) for other in others[one].tolist()]
        return float(np.median(alike))


def _first_of_each_pair(pairs: NDArray[np.int32], n: int) -> Iterator[tuple[int, int, int]]:
    """Yield each pair of pictures once, whichever of the two comes first, with its view."""
    ends = np.sort(pairs[:, :2].astype(np.int64), axis=1)
    first = np.sort(np.unique(ends[:, 0] * n + ends[:, 1], return_index=True)[1])
    for start in range(0, len(first), _BLOCK):
        yield from map(tuple, pairs[first[start : start + _BLOCK]].tolist())


def cells(
    units: Sequence[Rows], all_pairs: int = _ALL_PAIRS, cell: int = _CELL
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield blocks of pictures, and those among which the nearest of each are looked for.

    All pictures, up to ``all_pairs`` of them. Beyond that their views are sorted into cells by the
    nearest two centres of clusters, and a picture is compared with those of which a view lies in
    its cell (an inverted file: Jégou, Douze and Schmid, IEEE TPAMI 33, 2011), so that time grows
    with the number of pictures and not with its square.

    Args:
        units: Unit spectra of each view, float32 ``n d``, the whole picture first.
        all_pairs: Pictures up to which all pairs are compared.
        cell: Pictures in a cell, on average.
    """
    n = len(units[0])
    if n <= all_pairs:
        for start in range(0, n, _BLOCK):
            yield np.arange(start, min(start + _BLOCK, n)), np.arange(n)
        return
    near = _nearest_centres(units, -(-n // cell))
    for number in range(near.max() + 1):
        columns = np.flatnonzero((near == number).any(axis=(0, 2)))
        own = np.flatnonzero(near[0, :, 0] == number)
        # A cell with too few others to tell a copy by is compared with all.
        columns = columns if len(columns) > _OTHERS + _COMPARED else np.arange(n)
        for start in range(0, len(own), _BLOCK_OF_A_CELL):
            yield own[start : start + _BLOCK_OF_A_CELL], columns


def _nearest_centres(units: Sequence[Rows], count: int) -> NDArray[np.int32]:
    """Return the two nearest of so many clusters' centres for each view, ``views n 2``."""
    n = len(units[0])
    drawn = np.random.default_rng(0).permutation(n)[: 100 * count]
    centres = cluster_centres(units[0][drawn], count, 0)
    squared = (centres**2).sum(axis=1)
    near = np.zeros((len(units), n, _CELLS_OF_A_VIEW), np.int32)
    for view, start in product(range(len(units)), range(0, n, 20 * _BLOCK)):
        rows = slice(start, start + 20 * _BLOCK)
        apart = squared - 2.0 * (units[view][rows] @ centres.T)
        near[view, rows] = np.argpartition(apart, 1, axis=1)[:, :_CELLS_OF_A_VIEW]
    return near


def _small(detail: U8) -> U8:
    return np.asarray(cv2.resize(detail, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _fine(grey: U8) -> F32:
    picture = grey.astype(np.float32)
    return picture - np.asarray(cv2.GaussianBlur(picture, (0, 0), 4.0), np.float32)


def _orientations(picture: F32) -> list[F32]:
    """Return the eight orientations of a square picture (turns by 90 degrees, mirrored or not)."""
    turned = [np.rot90(picture, quarter) for quarter in range(4)]
    return [*turned, *(np.fliplr(one) for one in turned)]
