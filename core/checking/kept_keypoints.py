"""Keypoints of known pictures, as a bundle keeps them, and the search for copies by them.

A keypoint's descriptor is kept in a few directions, with its place; of the picture itself no more
than ``fine_detail`` keeps. A copy shares keypoints with its original whatever way round it lies and
whatever was cut off. Where the two are laid over each other by these, it agrees in finest detail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from core.checking.exposures import enlarge
from core.checking.fine_detail import WIDTH, FineDetail
from core.checking.keypoint_votes import MIN_VOTES, square_roots
from core.checking.keypoints import KeypointRows, Keypoints
from core.checking.pivots import Pivots
from core.checking.registration import DETAIL, match_points
from core.checking.row_file import Rows
from core.types import F32, U8

_DIRECTIONS = 32
_SAMPLE = 8000
_STEP = 200.0  # of a byte: descriptors' roots have length one
_PLACE = 2.0  # of a byte, a pixel
_NEAREST, _PARTNERS = 3, 3
_PREFIX = "keypoint_"


@dataclass(frozen=True, eq=False)
class KeptKeypoints:
    """What is kept of the keypoints of known pictures.

    Attributes:
        mean: float32 ``128``, of roots of descriptors.
        axes: float32 ``128 d``, the directions.
        vectors: int8 ``m d``, the keypoints of all pictures, one picture's after another's.
        places: uint8 ``m 2``, x and y in half pixels of a picture of ``DETAIL`` pixels a side.
        counts: int32 ``n``, keypoints of each picture.
        fine: uint8 ``n WIDTH``, see ``sample_detail``.
    """

    mean: F32
    axes: F32
    vectors: NDArray[np.int8]
    places: U8
    counts: NDArray[np.int32]
    fine: U8

    @classmethod
    def none(cls, n: int) -> Self:
        """Return what is known of n pictures of which nothing was kept."""
        return cls(
            np.zeros(0, np.float32),
            np.zeros((0, _DIRECTIONS), np.float32),
            np.zeros((0, _DIRECTIONS), np.int8),
            np.zeros((0, 2), np.uint8),
            np.zeros(n, np.int32),
            np.zeros((n, WIDTH), np.uint8),
        )

    @classmethod
    def of(cls, keypoints: KeypointRows, fine: Rows) -> Self:
        """Return the keypoints of pictures.

        Args:
            keypoints: Of ``n`` pictures of ``DETAIL`` pixels a side.
            fine: uint8 ``n WIDTH``, of each what ``sample_detail`` gave.
        """
        found = [keypoints[at] for at in range(len(keypoints))]
        if not keypoints.counts.any():
            return cls.none(len(keypoints))
        descriptors = np.concatenate([one.descriptors for one in found])
        drawn = np.random.default_rng(0).permutation(len(descriptors))[:_SAMPLE]
        sample = square_roots(descriptors[drawn])
        mean = np.asarray(sample.mean(axis=0), np.float32)
        axes = np.linalg.svd(sample - mean, full_matrices=False)[2][:_DIRECTIONS].T
        places = np.concatenate([one.places for one in found])
        return cls(
            mean,
            np.asarray(axes, np.float32),
            _bytes_of((square_roots(descriptors) - mean) @ axes),
            np.clip(np.rint(_PLACE * places), 0, 255).astype(np.uint8),
            keypoints.counts.astype(np.int32),
            np.asarray(fine[:], np.uint8),
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], n: int) -> Self:
        """Return what ``to_arrays`` gave; nothing of n pictures where it is not there."""
        names = {one.name: _PREFIX + one.name for one in fields(cls)}
        if not set(names.values()) <= set(arrays):
            return cls.none(n)
        return cls(**{name: arrays[key] for name, key in names.items()})

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as named arrays."""
        return {_PREFIX + one.name: getattr(self, one.name) for one in fields(self)}

    def with_those_of(self, *others: KeptKeypoints) -> KeptKeypoints:
        """Return these with those of further pictures, projected on the directions of the first."""
        every = (self, *others)
        first = next((one for one in every if len(one.vectors)), self)
        return KeptKeypoints(
            first.mean,
            first.axes,
            np.concatenate([one._vectors_along(first) for one in every]),
            np.concatenate([one.places for one in every]),
            np.concatenate([one.counts for one in every]),
            np.concatenate([one.fine for one in every]),
        )

    def _vectors_along(self, other: KeptKeypoints) -> NDArray[np.int8]:
        """Return the vectors in the directions of other keypoints."""
        if other is self or not len(self.vectors):
            return self.vectors
        roots = self.vectors.astype(np.float32) @ self.axes.T / np.float32(_STEP) + self.mean
        return _bytes_of(_project(roots, other))


class Overlay(NamedTuple):
    """A known picture that another one may be a copy of, and how it lies.

    Attributes:
        known: Its number.
        is_mirrored: Whether the other is mirrored.
        onto: float32 ``2 3``, the map from its pixels to the other's, at ``exposures.SIDE``.
    """

    known: int
    is_mirrored: bool
    onto: F32


class KeypointSearch:
    """Known pictures, ready to be known again."""

    def __init__(self, kept: KeptKeypoints) -> None:
        self._kept = kept
        self._starts = np.concatenate([[0], np.cumsum(kept.counts)])
        drawn = np.random.default_rng(0).permutation(len(kept.vectors))
        self._picture = np.repeat(np.arange(len(kept.counts)), kept.counts)[drawn]
        self._points = Pivots.over(kept.vectors[drawn].astype(np.float32) / _STEP)

    def overlay(self, found: Sequence[Keypoints]) -> list[list[Overlay]]:
        """Return for others the known pictures that share keypoints, most of them first.

        Args:
            found: The keypoints of each, at ``DETAIL`` pixels a side; a few hundred ask together,
                since each group of known points is gone through once for all of them.
        """
        if len(self._points) < _NEAREST:
            return [[] for _ in found]
        ways = [way for one in found for way in (one, one.mirrored(DETAIL))]
        points = [(one.places, _project(square_roots(one.descriptors), self._kept)) for one in ways]
        near = self._near_pictures(np.concatenate([vectors for _, vectors in points]))
        ends = np.cumsum([len(vectors) for _, vectors in points])
        each = list(zip(points, np.split(near, ends[:-1]), strict=True))
        return [self._lay(each[at : at + 2]) for at in range(0, len(each), 2)]

    def _lay(self, ways: Sequence[tuple[tuple[F32, F32], NDArray[np.int64]]]) -> list[Overlay]:
        """Return how a picture lies on known ones, by its points as they are and mirrored."""
        if len(ways[0][1]) < MIN_VOTES:
            return []
        votes = np.stack([self._votes(near) for _, near in ways])
        overlays = []
        for place in np.argsort(-votes, axis=None, kind="stable")[:_PARTNERS].tolist():
            way, known = divmod(place, votes.shape[1])
            if votes[way, known] >= MIN_VOTES:
                onto, _ = match_points(self._points_of(known), ways[way][0])
                if onto is not None:
                    overlays.append(Overlay(known, bool(way), enlarge(onto)))
        return overlays

    def recognise(self, grey: U8, overlays: list[Overlay]) -> int | None:
        """Return the number of the known picture that another one is a copy of; None for none.

        Args:
            grey: uint8 ``SIDE SIDE``, the other one in full.
            overlays: What ``overlay`` gave for it.
        """
        whole: dict[bool, FineDetail] = {}
        for one in overlays:
            if one.is_mirrored not in whole:
                turned = grey[:, ::-1] if one.is_mirrored else grey
                whole[one.is_mirrored] = FineDetail.of(np.ascontiguousarray(turned))
            fine = self._kept.fine[one.known]
            if whole[one.is_mirrored].agree_with(fine, one.onto).is_one_origin:
                return one.known
        return None

    def _near_pictures(self, queries: F32) -> NDArray[np.int64]:
        """Return the known pictures of the points nearest to each query, ``m _NEAREST``."""
        return np.asarray(self._picture[self._points.nearest(queries, _NEAREST)])

    def _votes(self, near: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return for each known picture how many points have one of its own among the nearest."""
        ordered = np.sort(near, axis=1)
        is_first = np.diff(ordered, axis=1, prepend=-1) != 0
        return np.bincount(ordered[is_first], minlength=len(self._kept.counts))

    def _points_of(self, known: int) -> tuple[F32, F32]:
        rows = slice(self._starts[known], self._starts[known + 1])
        places = self._kept.places[rows].astype(np.float32) / _PLACE
        return places, self._kept.vectors[rows].astype(np.float32) / _STEP


def _project(roots: F32, kept: KeptKeypoints) -> F32:
    return np.asarray((roots - kept.mean) @ kept.axes, np.float32)


def _bytes_of(vectors: F32) -> NDArray[np.int8]:
    return np.asarray(np.clip(np.rint(_STEP * vectors), -127, 127), np.int8)
