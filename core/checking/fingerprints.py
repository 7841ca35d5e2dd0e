"""Fingerprints that recognise copies of a picture without showing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from core.checking.row_file import Rows, take_rows
from core.checking.signature import LARGER, SIDE, VIEWS, SpectrumScaler, rings, spectra, structure
from core.types import F32, U8

CERTAIN = 0.03
_LARGEST = 0.5
_MARGIN = 0.5  # of the smallest ratio that the known pictures have among each other
_RARE, _LOOSE = 0.001, 0.05  # quantiles of these ratios
_MANY = 0.05
_ALIKE = 0.1
_MIN_ORIGINS = 3
_SAMPLE = 2000
_COMPARED = 4000
_BLOCK = 128
_FLAT = 0.5  # grey levels: below this spread, what is left of a picture is noise

Origins = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Fingerprints:
    """What is kept of pictures to recognise copies of them.

    Of each ring around a picture's centre the magnitudes of its harmonics are kept. Their phases,
    without which the picture cannot be reconstructed, are not.

    Attributes:
        strengths: float16 ``n d``, see ``signature.spectra``; zeros where there is no
            structure.
        origin: int32 ``n``; pictures of one number may be copies of each other.
        limits: float32 ``2``, the ratios up to which a picture is a copy, see ``match_copies``: of
            any picture, and of one of a set in which copies are many.
    """

    strengths: NDArray[np.float16]
    origin: NDArray[np.int32]
    limits: F32

    @classmethod
    def of(cls, details: Rows, same: Origins, origin: Origins) -> Self:
        """Return the fingerprints of pictures, with limits from how alike different ones are.

        Args:
            details: uint8 ``n h w``, grey, those of ``PictureFacts.detail``.
            same: ``n``, equal for pictures that are of one group or certain copies.
            origin: ``n``, equal for those as well that may be copies.
        """
        strengths = strengths_of(details)
        number = np.unique(origin, return_inverse=True)[1].astype(np.int32)
        bare = cls(strengths, number, np.full(2, CERTAIN, np.float32))
        usual = bare.ratios_among(same, np.flatnonzero(bare.sound))
        if usual.size == 0:
            return bare
        limits = [_MARGIN * np.quantile(usual, _RARE), np.quantile(usual, _LOOSE)]
        return cls(strengths, number, np.clip(limits, CERTAIN, _LARGEST).astype(np.float32))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the fingerprints that ``to_arrays`` gave.

        Raises:
            KeyError: An array is missing.
        """
        return cls(arrays["strengths"], arrays["origin"], arrays["limits"])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as named arrays."""
        return {"strengths": self.strengths, "origin": self.origin, "limits": self.limits}

    def with_those_of(self, other: Fingerprints) -> Fingerprints:
        """Return these with those of pictures of another place."""
        return Fingerprints(
            np.concatenate([self.strengths, other.strengths]),
            np.concatenate([self.origin, other.origin + self.origin.max(initial=-1) + 1]),
            np.minimum(self.limits, other.limits),
        )

    @property
    def units(self) -> F32:
        """Spectra as vectors of length one, zeros where there is no structure."""
        strengths = self.strengths.astype(np.float32)
        units = SpectrumScaler.of(strengths[self.sound]).unit(strengths)
        units[~self.sound] = 0.0
        return units

    @property
    def sound(self) -> NDArray[np.bool_]:
        """Which pictures have a structure to know them by."""
        return np.asarray(self.strengths.any(axis=1), np.bool_)

    def ratios_among(self, same: Origins, rows: NDArray[np.intp]) -> F32:
        """Return, for pictures with structure, the nearest one's distance to that of the next.

        Args:
            same: ``n``, equal for pictures of which one is not the other's nearest.
            rows: Which pictures.
        """
        if len(rows) == 0 or np.unique(self.origin[self.sound]).size < _MIN_ORIGINS:
            return np.zeros(0, np.float32)
        if len(rows) > _SAMPLE:
            rows = np.sort(np.random.default_rng(0).choice(rows, _SAMPLE, replace=False))
        units, found = self.units, []
        for block in np.array_split(rows, -(-len(rows) // _BLOCK)):
            alike = units[block] @ units.T
            alike[:, ~self.sound] = -1.0
            alike[same[block, None] == same[None]] = -1.0
            own = self.origin[block, None] == self.origin[None]
            found.append(self._ratios(alike, own)[1])
        return np.concatenate(found)

    def _ratios(
        self, alike: F32, own: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.intp], F32]:
        """Return the nearest known picture, and its distance to that of the next of other origin.

        Args:
            alike: float32 ``m n``, correlations; changed in place.
            own: bool ``m n``, what does not count as the next either.
        """
        rows = np.arange(len(alike))
        nearest = alike.argmax(axis=1)
        distance = 1.0 - alike[rows, nearest]
        alike[self.origin[nearest][:, None] == self.origin[None]] = -1.0
        if own is not None:
            alike[own] = -1.0
        return nearest, np.asarray(distance / np.maximum(1.0 - alike.max(axis=1), 1e-6), np.float32)


def match_copies(known: Fingerprints, details: Rows) -> NDArray[np.intp]:
    """Return for each picture the number of the known one that it is a copy of; -1 for none.

    The whole picture and parts of it are compared, larger and smaller ones, with the known
    pictures, whichever way round they lie. A copy is much nearer to one of them than to the next
    of another origin, as in the matching of Lowe (IJCV 60, 2004): by a ratio that no pair of known
    pictures comes near that are no copies, and by ``CERTAIN`` at any rate. Where a twentieth of
    the pictures are copies the set is taken for one of copies, and what is as near as one pair in
    twenty of different known pictures counts too.

    Copies are missed whose light was clipped, that were turned by more than a few degrees, and,
    where all pictures look alike, those that were cropped.

    Args:
        known: At least three of different origin; none is recognised among fewer.
        details: uint8 ``m h w``, grey, those of ``PictureFacts.detail``.
    """
    found = np.full(len(details), -1, np.intp)
    if np.unique(known.origin[known.sound]).size < _MIN_ORIGINS:
        return found
    ratios = np.full(len(details), np.inf, np.float32)
    nearest = np.zeros(len(details), np.intp)
    for rows, alike in correlate_with_known(known, details):
        nearest[rows], ratios[rows] = known._ratios(alike)
    certain = ratios <= known.limits[0]
    if certain.mean() >= _MANY:
        certain = ratios <= known.limits[1]
    found[certain] = nearest[certain]
    return found


def find_certain_copies(
    details: Rows, sets: Sequence[Sequence[int]], group: Origins
) -> list[list[int]]:
    """Return the pairs in sets of near copies that are nearer than any two different pictures.

    How near different pictures are is seen from those in no set. Where more than a tenth of those
    in sets have no partner far below that, the sets hold different pictures too that look alike,
    and ``CERTAIN`` alone counts. Of many pictures a draw of ``_COMPARED`` stands for those in no
    set, and sets are looked at some at a time, so that time grows with the number of pictures.

    Args:
        details: uint8 ``n h w``, grey, those of ``PictureFacts.detail``.
        sets: Sets of near copies, as row numbers.
        group: ``n``, equal for pictures that the data set gives one group.
    """
    if len(details) <= _COMPARED:
        return _find_certain_copies(details, sets, group)
    found, alone = [], np.ones(len(details), np.bool_)
    for one in sets:
        alone[one] = False
    others = np.random.default_rng(0).permutation(np.flatnonzero(alone))[:_COMPARED]
    for some in _bunches(sets):
        rows = np.concatenate([*some, others]).astype(np.intp)
        ends = np.cumsum([0, *map(len, some)]).tolist()
        parts = [list(range(a, b)) for a, b in pairwise(ends)]
        pairs = _find_certain_copies(take_rows(details, rows), parts, group[rows])
        found += [rows[pair].tolist() for pair in pairs]
    return found


def _bunches(sets: Sequence[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
    """Yield sets together until they hold ``_SAMPLE`` pictures."""
    bunch: list[Sequence[int]] = []
    for one in sets:
        bunch.append(one)
        if sum(map(len, bunch)) >= _SAMPLE:
            yield bunch
            bunch = []
    if bunch:
        yield bunch


def _find_certain_copies(
    details: Rows, sets: Sequence[Sequence[int]], group: Origins
) -> list[list[int]]:
    if not sets:
        return []
    origin = np.arange(len(details), dtype=np.int32)
    for one in sets:
        origin[one] = min(one)
    known = Fingerprints(strengths_of(details), origin, np.zeros(2, np.float32))
    members = np.array(sorted({at for one in sets for at in one}))
    pairs = list(_pairs(known, members, take_rows(details, members), group))
    if not pairs:
        return []
    alone = np.setdiff1d(np.flatnonzero(known.sound), members)
    usual = known.ratios_among(group, alone)
    limit = min(_LARGEST, _MARGIN * float(np.quantile(usual, _RARE))) if usual.size else CERTAIN
    partner: dict[int, float] = {}
    for a, _, ratio in pairs:
        partner[a] = min(ratio, partner.get(a, np.inf))
    if np.mean(np.array([*partner.values()]) > limit) > _ALIKE:
        limit = CERTAIN
    return [[a, b] for a, b, ratio in pairs if ratio <= max(limit, CERTAIN)]


def _pairs(
    known: Fingerprints, members: NDArray[np.intp], details: Rows, group: Origins
) -> Iterator[tuple[int, int, float]]:
    """Yield members of one set and of two groups, with their distance to that of the next."""
    for rows, alike in correlate_with_known(known, details):
        for at, likeness in zip(members[rows].tolist(), alike, strict=True):
            own = known.origin == known.origin[at]
            next_one = likeness[~own & (group != group[at])].max(initial=-1.0)
            for b in np.flatnonzero(own & (group != group[at])).tolist():
                yield at, b, float((1.0 - likeness[b]) / max(1.0 - next_one, 1e-6))


def correlate_with_known(
    known: Fingerprints, details: Rows
) -> Iterator[tuple[NDArray[np.intp], F32]]:
    """Yield blocks of rows with structure, and their correlation with the known, ``m n``."""
    units, scale = known.units, SpectrumScaler.of(known.strengths[known.sound].astype(np.float32))
    for start in range(0, len(details), _BLOCK):
        structures = _structures(details[start : start + _BLOCK])
        sound = structures.std(axis=(1, 2)) > _FLAT
        if not sound.any():
            continue
        best = np.full((int(sound.sum()), len(units)), -1.0, np.float32)
        for view in (*VIEWS, *LARGER):
            scaled = scale.unit(spectra(rings(structures[sound], view)))
            np.maximum(best, scaled @ units.T, out=best)
        best[:, ~known.sound] = -1.0
        yield start + np.flatnonzero(sound), best


def _structures(details: U8) -> F32:
    small = [cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for one in details]
    return np.stack([structure(np.asarray(one, np.uint8)) for one in small])


def strengths_of(details: Rows) -> NDArray[np.float16]:
    """Return the spectra of whole pictures, float16 ``n d``, zeros for those without structure."""
    if len(details) == 0:
        return np.zeros((0, 1), np.float16)
    blocks = (details[start : start + _BLOCK] for start in range(0, len(details), _BLOCK))
    return np.concatenate([__strengths_of_a_block(one) for one in blocks])


def __strengths_of_a_block(details: U8) -> NDArray[np.float16]:
    structures = _structures(details)
    strengths = spectra(rings(structures, VIEWS[0])).astype(np.float16)
    strengths[structures.std(axis=(1, 2)) <= _FLAT] = 0.0
    return np.asarray(strengths, np.float16)
