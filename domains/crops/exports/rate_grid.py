"""A prescription as a regular grid of longitude and latitude, as ISO 11783-10 wants it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod

from core.errors import DataError
from domains.crops.exports.prescription import Prescription

_GEOD = Geod(ellps="WGS84")
_MAX_CELLS = 1 << 20
_FINER = (1, 2, 3, 4, 6, 8, 12, 16)
_ANTIMERIDIAN = 180.0


@dataclass(frozen=True, slots=True, eq=False)
class RateGrid:
    """Rates in cells of equal degrees.

    Attributes:
        south: Latitude of the southern edge, in degrees.
        west: Longitude of the western edge, in degrees.
        cell_north: Height of a cell in degrees.
        cell_east: Width of a cell in degrees.
        rates: ``rows columns``, the southern row first, the western column first.
        is_inside: ``rows columns``: whether a cell lies in the field.
    """

    south: float
    west: float
    cell_north: float
    cell_east: float
    rates: npt.NDArray[np.float64]
    is_inside: npt.NDArray[np.bool_]

    def areas_m2(self) -> npt.NDArray[np.float64]:
        """Return the area of a cell of each row, in square metres."""
        return np.array([self._area(row) for row in range(self.rates.shape[0])])

    def _area(self, row: int) -> float:
        south = self.south + row * self.cell_north
        north, east = south + self.cell_north, self.west + self.cell_east
        lons, lats = [self.west, east, east, self.west], [south, south, north, north]
        return abs(float(_GEOD.polygon_area_perimeter(lons, lats)[0]))


def rasterize(prescription: Prescription) -> RateGrid:
    """Return the coarsest grid that spreads what the prescription does, within 0.1 %.

    A cell has the rate of the tile that its centre lies in.

    Raises:
        DataError: The field crosses the antimeridian, or a grid would need too many cells.
    """
    polygons = [one.tile.outline for one in prescription.tiles]
    bounds = shapely.total_bounds(shapely.GeometryCollection(polygons))
    if any(polygon.geom_type == "MultiPolygon" for polygon in polygons) or _reaches(bounds):
        raise DataError(
            "The field crosses the antimeridian, where one grid cannot lie.",
            hint="Export the prescription as GeoJSON or a shapefile.",
        )
    tree = shapely.STRtree(polygons)
    rates = np.array([one.rate for one in prescription.tiles])
    height, width = _tile_degrees(polygons)
    for finer in _FINER:
        shape = (
            max(1, math.ceil((bounds[3] - bounds[1]) / height * finer)),
            max(1, math.ceil((bounds[2] - bounds[0]) / width * finer)),
        )
        if shape[0] * shape[1] > _MAX_CELLS:
            break
        grid = _sample(tree, rates, prescription.table.outside, bounds, shape)
        if prescription.is_total(_total(grid, prescription)):
            return grid
    raise DataError(
        "No grid of a million cells spreads what the prescription does within 0.1 %.",
        hint="Export polygons instead, or survey with larger tiles.",
    )


def _reaches(bounds: npt.NDArray[np.float64]) -> bool:
    return bool(bounds[2] - bounds[0] > _ANTIMERIDIAN)


def _tile_degrees(polygons: Sequence[shapely.Geometry]) -> tuple[float, float]:
    """Return the height and width of a middling tile in degrees."""
    boxes = shapely.bounds(np.array(polygons))
    return float(np.median(boxes[:, 3] - boxes[:, 1])), float(np.median(boxes[:, 2] - boxes[:, 0]))


def _sample(
    tree: shapely.STRtree,
    rates: npt.NDArray[np.float64],
    outside: float,
    bounds: npt.NDArray[np.float64],
    shape: tuple[int, int],
) -> RateGrid:
    west, south, east, north = (float(bound) for bound in bounds)
    cell_north, cell_east = (north - south) / shape[0], (east - west) / shape[1]
    lats = south + (np.arange(shape[0]) + 0.5) * cell_north
    lons = west + (np.arange(shape[1]) + 0.5) * cell_east
    columns, rows = np.meshgrid(lons, lats)
    centres = shapely.points(columns.ravel(), rows.ravel())
    cells, tiles = tree.query(centres, predicate="intersects")
    filled = np.full(shape[0] * shape[1], outside)
    # A centre on the edge of two tiles takes the later one; assignment keeps the last.
    filled[cells] = rates[tiles]
    inside = np.zeros(filled.shape, bool)
    inside[cells] = True
    return RateGrid(
        south, west, cell_north, cell_east, filled.reshape(shape), inside.reshape(shape)
    )


def _total(grid: RateGrid, prescription: Prescription) -> float:
    spread = np.where(grid.is_inside, grid.rates, 0.0) * grid.areas_m2()[:, None]
    return prescription.table.amount(float(spread.sum()), 1.0)
