"""A piece of ground as a drawing: positions in pixels, north up, and a scale bar."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.report.drawing import Drawing, DrawnLabel, DrawnLine, Mark, Point
from core.types import F64

_WIDTH, _MARGIN, _MAX_HEIGHT = 720.0, 26.0, 900.0
_METRES_PER_DEGREE = 111_320.0
_LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


@dataclass(frozen=True, slots=True)
class MapPlane:
    """From longitudes and latitudes to pixels of a drawing.

    Attributes:
        west: Longitude of its left end.
        north: Latitude of its upper end.
        shrink: Length of a degree of longitude, of one of latitude.
        scale: Pixels a degree of latitude.
        height: Of what is drawn, without margins, in pixels.
    """

    west: float
    north: float
    shrink: float
    scale: float
    height: float

    @classmethod
    def around(cls, positions: F64, least_m: float = 0.0) -> MapPlane:
        """Return the plane that positions fill.

        Args:
            positions: Longitudes and latitudes, ``n 2``; they run on across the antimeridian.
            least_m: Least side of the ground that is drawn, in metres.
        """
        (west, south), (east, north) = positions.min(0), positions.max(0)
        shrink = max(math.cos(math.radians((south + north) / 2)), 1e-6)
        least = max(least_m / _METRES_PER_DEGREE, 1e-9)
        wide, high = max((east - west) * shrink, least), max(north - south, least)
        west, north = (west + east - wide / shrink) / 2, (north + south + high) / 2
        scale = min((_WIDTH - 2 * _MARGIN) / wide, (_MAX_HEIGHT - 3 * _MARGIN) / high)
        return cls(float(west), float(north), shrink, float(scale), float(high * scale))

    def place(self, positions: F64) -> F64:
        """Return positions ``n 2`` in pixels."""
        x = _MARGIN + (positions[:, 0] - self.west) * self.shrink * self.scale
        y = _MARGIN + (self.north - positions[:, 1]) * self.scale
        return np.stack([x, y], 1)

    def drawing(self, marks: list[Mark]) -> Drawing:
        """Return marks with a scale bar and an arrow to the north."""
        height = self.height + 3 * _MARGIN
        return Drawing(_WIDTH, height, (*marks, *self._scale_bar(self.height + 2.2 * _MARGIN)))

    def _scale_bar(self, y: float) -> tuple[Mark, ...]:
        pixels_per_m = self.scale / _METRES_PER_DEGREE
        most = (_WIDTH - 2 * _MARGIN) / 3
        metres = max((one for one in _LENGTHS if one * pixels_per_m <= most), default=_LENGTHS[0])
        end, north = _MARGIN + metres * pixels_per_m, _WIDTH - _MARGIN - 6
        ends: tuple[Point, ...] = ((_MARGIN, y - 5), (_MARGIN, y), (end, y), (end, y - 5))
        arrow = ((north, y), (north - 6, y), (north, y - 16), (north + 6, y), (north, y))
        return (
            DrawnLine(ends),
            DrawnLabel((end + 6, y), f"{metres} m"),
            DrawnLine(arrow),
            DrawnLabel((north - 10, y), "N", "end"),
        )
