"""What a picture looks like whichever way round it lies: a vector to search copies by."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.checking.row_file import Rows
from core.types import F32, U8

SIDE = 64
ANGLES, RADII = 64, 24
HARMONICS = 17
REACH = 30.0  # pixels: the largest radius
_FINEST, _COARSEST = 1.0, 4.0  # pixels: what lies between these blurs is looked at
_WEIGHT = np.sqrt(np.arange(RADII, dtype=np.float32) + 0.5)  # a ring counts by its area
_FLOOR = 0.1  # of the mean deviation: what hardly varies is not blown up
_STRENGTH = 2000.0  # of a whole spectrum: what is below a hundredth of the mean is noise


@dataclass(frozen=True, slots=True)
class View:
    """A part of a picture: the share of its side and where its centre lies, in pixels."""

    scale: float = 1.0
    x: float = 0.0
    y: float = 0.0


VIEWS = (
    View(),
    *(
        View(0.95, x, y)
        for x, y in ((0.0, 0.0), (-1.6, -1.6), (-1.6, 1.6), (1.6, -1.6), (1.6, 1.6))
    ),
    *(View(0.9, x, y) for x in (-3.2, 0.0, 3.2) for y in (-3.2, 0.0, 3.2)),
)
LARGER = tuple(  # what a picture would show had it not been cropped to 95 or 90 % of its side
    View(1.0 / side, x * reach, y * reach)
    for side, reach in ((0.95, 1.7), (0.9, 3.4))
    for x, y in ((0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))
)
_BLOCK = 1024
_PADDING = 8  # pixels that are mirrored outwards at each edge, for what lies beyond


def structure(grey: U8, coarsest: float = _COARSEST, finest: float = _FINEST) -> F32:
    """Return a picture's structure between two blurs, without light, shading and noise.

    Args:
        grey: uint8 ``h w``.
        coarsest: Blur in pixels that is taken away.
        finest: Blur in pixels that is left in.
    """
    picture = grey.astype(np.float32)
    smooth = cv2.GaussianBlur(picture, (0, 0), finest)
    return np.asarray(smooth - cv2.GaussianBlur(picture, (0, 0), coarsest), np.float32)


def rings(structures: F32, view: View) -> F32:
    """Return structures on rings around the centre of a view, float32 ``n ANGLES RADII``."""
    padding = _PADDING if view.scale > 1.0 else 0
    centre = (SIDE / 2 - 0.5 + view.x + padding, SIDE / 2 - 0.5 + view.y + padding)
    sides = (padding,) * 4
    return np.stack(
        [
            polar_rings(
                np.asarray(cv2.copyMakeBorder(one, *sides, cv2.BORDER_REFLECT)) if padding else one,
                centre,
                REACH * view.scale,
            )
            for one in structures
        ]
    )


def polar_rings(structure: F32, centre: tuple[float, float], reach: float) -> F32:
    """Return a structure on rings around a point, float32 ``ANGLES RADII``, weighted by area."""
    turned = cv2.warpPolar(structure, (RADII, ANGLES), centre, reach, cv2.INTER_LINEAR)
    return np.asarray(turned * _WEIGHT, np.float32)


def spectra(around: F32) -> F32:
    """Return the strength of each ring's harmonics, float32 ``n d``.

    A turn shifts a ring and a mirror reverses it; neither changes the magnitudes of its discrete
    Fourier transform.
    """
    strength = np.abs(np.fft.rfft(around, axis=1)[:, :HARMONICS])
    return np.asarray(np.log1p(strength).reshape(len(around), -1), np.float32)


def equalise(strengths: F32, inner: int = RADII) -> F32:
    """Return the spectra of the inner rings at one overall strength: light changes nothing.

    Args:
        strengths: float32 ``n d``, as ``spectra`` gives them.
        inner: How many rings.
    """
    linear = np.expm1(strengths.reshape(len(strengths), HARMONICS, RADII)[:, :, :inner])
    power = np.sqrt((linear**2).sum(axis=(1, 2), keepdims=True))
    level = np.log1p(_STRENGTH * linear / np.maximum(power, 1e-6))
    return np.asarray(level.reshape(len(strengths), -1), np.float32)


@dataclass(frozen=True, slots=True)
class SpectrumScaler:
    """Mean and deviation of a set's equalised spectra, by which all are made comparable.

    Attributes:
        mean: float32 ``d``.
        spread: float32 ``d``.
        inner: How many rings are compared.
    """

    mean: F32
    spread: F32
    inner: int = RADII

    @classmethod
    def of(cls, strengths: Rows, inner: int = RADII) -> SpectrumScaler:
        """Return the scale of a set, float32 ``n d`` as ``spectra`` gives them."""
        mean, spread = _mean_and_deviation(strengths, inner)
        return cls(mean, spread + _FLOOR * max(float(spread.mean()), 1e-6), inner)

    def unit(self, strengths: F32) -> F32:
        """Return spectra as vectors of length one, whose products are correlations."""
        level = (equalise(strengths, self.inner) - self.mean) / self.spread
        norm = np.linalg.norm(level, axis=1, keepdims=True)
        return np.asarray(level / np.maximum(norm, 1e-6), np.float32)


def _mean_and_deviation(strengths: Rows, inner: int) -> tuple[F32, F32]:
    """Return both of each column once equalised, a block of rows at a time."""
    total, squares = 0.0, 0.0
    for start in range(0, len(strengths), _BLOCK):
        level = equalise(strengths[start : start + _BLOCK], inner).astype(np.float64)
        total, squares = total + level.sum(axis=0), squares + (level**2).sum(axis=0)
    mean = np.asarray(total / len(strengths))
    variance = np.maximum(squares / len(strengths) - mean**2, 0.0)
    return mean.astype(np.float32), np.sqrt(variance).astype(np.float32)
