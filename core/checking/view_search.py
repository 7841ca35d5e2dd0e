"""Find the part of a known picture that another picture shows, by the known one's fingerprint.

The circle in a known picture that its fingerprint describes lies elsewhere in a copy that was
cropped, and is an ellipse in one that was turned and stretched to a square. Which ellipse it is,
is searched for: a coarse grid of crops, then coordinate ascent on the correlation of the spectra.
All known pictures of one fixed camera guide the first ascent together, and the nearest few each
have one of their own. Of a circle that the copy shows only in part, the inner rings are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from core.checking.signature import (
    RADII,
    REACH,
    SIDE,
    SpectrumScaler,
    polar_rings,
    spectra,
)
from core.types import F32, F64

_PADDING = 10
_BORDER = 3.0  # pixels at an edge of which the blurs mirror what they do not see
_LEAST_RINGS = 13
_STEPS = np.array([1.0, 1.0, 0.025, 0.025, 0.025])
_LIMITS = (0.85, 1.18)  # of the scales
_MOST_SHEAR = 0.12
_STARTS, _CANDIDATES, _GUIDES = 4, 3, 200
_FIRST_ROUNDS, _LAST_ROUNDS, _SWEEPS = 2, 4, 3


class Ellipse(NamedTuple):
    """Where the circle of a known picture lies in another, which is a crop of it or turned.

    Attributes:
        x: Its centre, in pixels right of the picture's.
        y: The same downwards.
        width: Factor of its width.
        height: Factor of its height.
        shear: What a turn before the stretching to a square leaves.
    """

    x: float = 0.0
    y: float = 0.0
    width: float = 1.0
    height: float = 1.0
    shear: float = 0.0

    @property
    def inner(self) -> int:
        """Return how many rings lie within the picture, away from its border."""
        if self == WHOLE:
            return RADII
        room = SIDE / 2 - _BORDER
        reach_x = (room - abs(self.x)) / np.hypot(self.width, self.shear)
        reach_y = (room - abs(self.y)) / np.hypot(self.height, self.shear)
        return int(min(RADII, np.floor(min(reach_x, reach_y) / REACH * RADII + 0.5)))

    @property
    def is_possible(self) -> bool:
        """Return whether a crop to 85 % or a small turn gives it, with enough rings to compare."""
        low, high = _LIMITS
        scales = low < self.width < high and low < self.height < high
        return scales and abs(self.shear) < _MOST_SHEAR and self.inner >= _LEAST_RINGS


WHOLE = Ellipse()


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture that may be a copy, its structure padded."""

    padded: F32

    @classmethod
    def of(cls, structure: F32) -> _Picture:
        sides = (_PADDING,) * 4
        return cls(np.asarray(cv2.copyMakeBorder(structure, *sides, cv2.BORDER_REFLECT)))

    def strengths(self, at: Ellipse) -> F32:
        """Return the spectra of the rings of an ellipse, float32 ``1 d``."""
        centre = SIDE / 2 - 0.5 + _PADDING
        linear = np.array([[at.width, at.shear], [at.shear, at.height]])
        shift = centre + np.array([at.x, at.y]) - linear @ np.full(2, centre)
        onto = np.column_stack([linear, shift]).astype(np.float32)
        size = self.padded.shape[::-1]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        circle = cv2.warpAffine(self.padded, onto, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
        return spectra(polar_rings(np.asarray(circle, np.float32), (centre, centre), REACH)[None])


class ViewSearch:
    """Known pictures whose parts are looked for in others.

    Args:
        strengths: float32 ``n d``, the spectra of the known pictures, none of them zero.
    """

    def __init__(self, strengths: F32) -> None:
        self._strengths = strengths
        self._scaled: dict[int, tuple[SpectrumScaler, F32]] = {}

    def correlations(self, structure: F32, without: NDArray[np.bool_] | None = None) -> F32:
        """Return the correlation with every known picture where one of them fits best.

        Args:
            structure: float32 ``SIDE SIDE``, see ``signature.structure``.
            without: bool ``n``, known pictures that are not looked at and get -1; none when None.
        """
        picture = _Picture.of(structure)
        # The ascents cross each other's ways: more than one look in four is at a place seen before.
        unit = cache(partial(self._unit, picture))
        passed_over = np.zeros(len(self._strengths), np.bool_) if without is None else without

        def correlate(at: Ellipse) -> F32:
            alike = np.asarray(self._of(at.inner)[1] @ unit(at), np.float32)
            alike[passed_over] = -1.0
            return alike

        coarse = [(correlate(one), one) for one in _grid()]
        coarse.sort(key=lambda pair: -float(pair[0].max()))
        starts = [one for _, one in coarse[:_STARTS]]
        found = np.maximum.reduce([alike for alike, _ in coarse[:_STARTS]])
        guides = np.argsort(-found)[:_GUIDES]

        def best_of(rows: NDArray[np.intp]) -> Callable[[Ellipse], float]:
            return lambda at: self._best(unit, at, rows)

        _, near = max(_ascend(best_of(guides), one, _FIRST_ROUNDS) for one in starts)
        candidates = np.argsort(-correlate(near))[:_CANDIDATES]
        _, at = max(_ascend(best_of(row[None]), near, _LAST_ROUNDS) for row in candidates)
        return correlate(at)

    def _best(self, unit: Callable[[Ellipse], F32], at: Ellipse, rows: NDArray[np.intp]) -> float:
        if not at.is_possible:
            return -1.0
        return float((self._of(at.inner)[1][rows] @ unit(at)).max())

    def _unit(self, picture: _Picture, at: Ellipse) -> F32:
        """Return what an ellipse shows, as a vector of length one, float32 ``d``."""
        return np.asarray(self._of(at.inner)[0].unit(picture.strengths(at))[0], np.float32)

    def _of(self, inner: int) -> tuple[SpectrumScaler, F32]:
        if inner not in self._scaled:
            scaler = SpectrumScaler.of(self._strengths, inner)
            self._scaled[inner] = scaler, scaler.unit(self._strengths)
        return self._scaled[inner]


@cache
def _grid() -> tuple[Ellipse, ...]:
    """Return the whole picture, crops of it to 95 and 90 % of a side, and it as such a crop."""
    return tuple(_crops())


def _crops() -> Iterator[Ellipse]:
    yield WHOLE
    for side, places in ((0.95, 3), (0.9, 5)):
        reach = SIDE / 2 * (1.0 - side) / side
        for x in np.linspace(-reach, reach, places).tolist():
            for y in np.linspace(-reach, reach, places).tolist():
                yield Ellipse(x, y, 1.0 / side, 1.0 / side)
        yield Ellipse(width=side, height=side)


def _ascend(
    score: Callable[[Ellipse], float], start: Ellipse, rounds: int
) -> tuple[float, Ellipse]:
    """Return the best score near an ellipse, coordinate by coordinate with ever smaller steps."""
    best, at = score(start), start
    for step in (_STEPS * 0.5**number for number in range(rounds)):
        for _ in range(_SWEEPS):
            before = best
            for way in (*np.diag(step), *np.diag(-step)):
                moved = _moved(at, way)
                found = score(moved)
                if found > best:
                    best, at = found, moved
            if best == before:
                break
    return best, at


def _moved(at: Ellipse, way: F64) -> Ellipse:
    return Ellipse(*(np.array(at) + way).tolist())
