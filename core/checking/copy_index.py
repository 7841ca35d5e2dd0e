"""Find which of some pictures another one is a copy of, by one look at each of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.checking.fingerprints import CERTAIN, Fingerprints, strengths_of
from core.checking.signature import SpectrumScaler
from core.types import F32, U8

_REFERENCE = 1000
_LEAST_REFERENCE = 3


class CopyIndex:
    """Pictures that are to be known again: saved anew, resized, turned or mirrored.

    A copy is much nearer to its original than to any other picture, as in ``match_copies``; here
    whole pictures are compared alone, so that a look-up costs two products of a vector with
    matrices: of the pictures, and of at most a thousand others of the same kind.

    Args:
        reference: Of other pictures of the same kind, which say how near different ones are.
    """

    def __init__(self, reference: Fingerprints) -> None:
        rows = np.flatnonzero(reference.sound)
        if len(rows) > _REFERENCE:
            rows = np.sort(np.random.default_rng(0).choice(rows, _REFERENCE, replace=False))
        known = reference.strengths[rows].astype(np.float32)
        self.is_usable = np.unique(reference.origin[rows]).size >= _LEAST_REFERENCE
        self._limit = float(reference.limits[0])
        self._scaler = SpectrumScaler.of(known) if self.is_usable else None
        self._reference: F32 = self._units(known)
        self._pictures: F32 = np.zeros((0, known.shape[1]), np.float32)

    def __len__(self) -> int:
        """Return how many pictures are to be known again."""
        return len(self._pictures)

    def replace(self, strengths: Sequence[NDArray[np.float16]]) -> None:
        """Take other pictures instead.

        Args:
            strengths: float16 ``d`` of each, as ``strengths_of`` gives them.
        """
        if self.is_usable:
            width = self._pictures.shape[1]
            rows = np.array(strengths, np.float32).reshape(len(strengths), width)
            self._pictures = self._units(rows)

    def find(self, detail: U8) -> int | None:
        """Return the number of the picture that another one is a copy of; None for none.

        Args:
            detail: uint8 ``h w``, grey, as ``facts.detail_of`` gives it.
        """
        pictures = self._pictures
        if not len(pictures):
            return None
        strengths = strengths_of(detail[None]).astype(np.float32)
        if not strengths.any():
            return None  # nothing in it to know it by
        unit = self._units(strengths)[0]
        alike = pictures @ unit
        nearest = int(alike.argmax())
        # A picture of the reference may be the original, or another copy of it.
        others = self._reference[self._reference @ pictures[nearest] < 1.0 - CERTAIN]
        if len(others) < _LEAST_REFERENCE:
            return None
        distance, usual = 1.0 - alike[nearest], 1.0 - float((others @ unit).max())
        return nearest if distance <= self._limit * max(usual, 1e-6) else None

    def _units(self, strengths: F32) -> F32:
        if self._scaler is None:
            return np.zeros((0, strengths.shape[1]), np.float32)
        units = self._scaler.unit(strengths)
        units[~strengths.any(axis=1)] = 0.0
        return units
