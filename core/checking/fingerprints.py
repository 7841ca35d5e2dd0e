"""Fingerprints that recognise copies of a picture without showing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from core.checking.kept_keypoints import KeptKeypoints
from core.checking.row_file import Rows
from core.checking.signature import LARGER, SIDE, VIEWS, SpectrumScaler, rings, spectra, structure
from core.checking.view_search import ViewSearch
from core.ordered_map import Each
from core.types import F32, U8

CERTAIN = 0.03
LARGEST = 0.5
MARGIN = 0.5  # of the smallest ratio that the known pictures have among each other
RARE, _LOOSE = 0.001, 0.05  # quantiles of these ratios
_MIN_ORIGINS = 3
SAMPLE = 2000
_RARE_PLACED = 0.02  # few are laid over others, and a copy that nobody knows of may be among them
_PLACED = 100  # pictures that are laid over others, at about 30 ms each
_BLOCK = 128
_FLAT = 0.5  # grey levels: below this spread, what is left of a picture is noise

Origins = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Fingerprints:
    """What is kept of pictures to recognise copies of them.

    Of each ring around a picture's centre the magnitudes of its harmonics are kept. Their phases,
    without which the picture cannot be reconstructed, are not. Of its keypoints, and of its finest
    detail at one pixel in 25, see ``KeptKeypoints``.

    Attributes:
        strengths: float16 ``n d``, see ``signature.spectra``; zeros where there is no
            structure.
        origin: int32 ``n``; pictures of one number may be copies of each other.
        limits: float32 ``2``, the ratios up to which a picture is a copy, see ``match_copies``: of
            any picture, and of one of a set in which copies are many.
        keypoints: Of the same pictures; of none where they were not kept.
    """

    strengths: NDArray[np.float16]
    origin: NDArray[np.int32]
    limits: F32
    keypoints: KeptKeypoints

    @classmethod
    def of(
        cls,
        details: Rows,
        same: Origins,
        origin: Origins,
        keypoints: KeptKeypoints | None = None,
        each: Each = map,
    ) -> Self:
        """Return the fingerprints of pictures, with limits from how alike different ones are.

        Args:
            details: uint8 ``n h w``, grey, those of ``PictureFacts.detail``.
            same: ``n``, equal for pictures that are of one group or certain copies.
            origin: ``n``, equal for those as well that may be copies.
            keypoints: What is kept of theirs; nothing when None.
            each: Lays pictures over others, on several threads or one.
        """
        keypoints = keypoints or KeptKeypoints.none(len(details))
        strengths = strengths_of(details)
        number = np.unique(origin, return_inverse=True)[1].astype(np.int32)
        bare = cls(strengths, number, np.full(2, CERTAIN, np.float32), keypoints)
        usual = bare.ratios_among(same, np.flatnonzero(bare.sound))
        if usual.size == 0:
            return bare
        placed = bare._ratios_when_placed(details, same, each)
        limits = [
            MARGIN * min(np.quantile(usual, RARE), np.quantile(placed, _RARE_PLACED)),
            min(np.quantile(usual, _LOOSE), np.quantile(placed, _LOOSE)),
        ]
        return replace(bare, limits=np.clip(limits, CERTAIN, LARGEST).astype(np.float32))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the fingerprints that ``to_arrays`` gave.

        Raises:
            KeyError: An array is missing.
        """
        strengths = arrays["strengths"]
        keypoints = KeptKeypoints.from_arrays(arrays, len(strengths))
        return cls(strengths, arrays["origin"], arrays["limits"], keypoints)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as named arrays."""
        return {
            "strengths": self.strengths,
            "origin": self.origin,
            "limits": self.limits,
            **self.keypoints.to_arrays(),
        }

    def with_those_of(self, *others: Fingerprints) -> Fingerprints:
        """Return these with those of pictures of other places."""
        every = (self, *others)
        starts = np.cumsum([0, *(one.origin.max(initial=-1) + 1 for one in every)])
        numbered = [one.origin + start for one, start in zip(every, starts, strict=False)]
        return Fingerprints(
            np.concatenate([one.strengths for one in every]),
            np.concatenate(numbered).astype(np.int32),
            np.min([one.limits for one in every], axis=0),
            self.keypoints.with_those_of(*(one.keypoints for one in others)),
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
        if len(rows) > SAMPLE:
            rows = np.sort(np.random.default_rng(0).choice(rows, SAMPLE, replace=False))
        units, found = self.units, []
        for block in np.array_split(rows, -(-len(rows) // _BLOCK)):
            alike = units[block] @ units.T
            alike[:, ~self.sound] = -1.0
            alike[same[block, None] == same[None]] = -1.0
            own = self.origin[block, None] == self.origin[None]
            found.append(self.ratios(alike, own)[1])
        return np.concatenate(found)

    def _ratios_when_placed(self, details: Rows, same: Origins, each: Each) -> F32:
        """Return the ratios of some pictures that are laid over others as well as they can be.

        Things of one shape before a plain ground differ in their place above all.
        """
        sound = np.flatnonzero(self.sound)
        drawn = np.sort(np.random.default_rng(0).permutation(sound)[:_PLACED])
        search = ViewSearch(self.strengths[sound].astype(np.float32))

        def place(at: int) -> F32:
            (one,) = structures_of(details[at : at + 1])
            alike = np.full((1, len(same)), -1.0, np.float32)
            alike[0, sound] = search.correlations(one, same[sound] == same[at])
            return self.ratios(alike, self.origin[None] == self.origin[at])[1]

        return np.concatenate(list(each(place, drawn.tolist())))

    def ratios(
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


def correlate_with_known(
    known: Fingerprints, details: Rows
) -> Iterator[tuple[NDArray[np.intp], F32]]:
    """Yield blocks of rows with structure, and their correlation with the known, ``m n``."""
    units, scale = known.units, SpectrumScaler.of(known.strengths[known.sound].astype(np.float32))
    for start in range(0, len(details), _BLOCK):
        structures = structures_of(details[start : start + _BLOCK])
        sound = structures.std(axis=(1, 2)) > _FLAT
        if not sound.any():
            continue
        best = np.full((int(sound.sum()), len(units)), -1.0, np.float32)
        for view in (*VIEWS, *LARGER):
            scaled = scale.unit(spectra(rings(structures[sound], view)))
            np.maximum(best, scaled @ units.T, out=best)
        best[:, ~known.sound] = -1.0
        yield start + np.flatnonzero(sound), best


def structures_of(details: U8) -> F32:
    """Return the structures of pictures, float32 ``n SIDE SIDE``."""
    small = [cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for one in details]
    return np.stack([structure(np.asarray(one, np.uint8)) for one in small])


def strengths_of(details: Rows) -> NDArray[np.float16]:
    """Return the spectra of whole pictures, float16 ``n d``, zeros for those without structure."""
    if len(details) == 0:
        return np.zeros((0, 1), np.float16)
    blocks = (details[start : start + _BLOCK] for start in range(0, len(details), _BLOCK))
    return np.concatenate([_strengths_of_a_block(one) for one in blocks])


def _strengths_of_a_block(details: U8) -> NDArray[np.float16]:
    structures = structures_of(details)
    strengths = spectra(rings(structures, VIEWS[0])).astype(np.float16)
    strengths[structures.std(axis=(1, 2)) <= _FLAT] = 0.0
    return np.asarray(strengths, np.float16)
