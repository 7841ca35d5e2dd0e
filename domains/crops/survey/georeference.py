"""Where the pixels of a mosaic lie: longitude and latitude, or a refusal; never a guess.

Runs in a disposable process: the file's words on its coordinate system are parsed by PROJ.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Geod
from pyproj.exceptions import CRSError
from pyproj.transformer import TransformerGroup
from rasterio.io import DatasetReader
from rasterio.transform import Affine

from core.errors import UnreadableImage

_GEOD = Geod(ellps="WGS84")
_WGS84 = "EPSG:4326"
_WITHIN_DEG = 1.0  # how far beyond a coordinate system's area of use fields are still believed
_MOST_STRETCH = 1.1  # between opposite sides of a mosaic
_EXPORT_AGAIN = "Export the orthomosaic again, with a coordinate system such as UTM."
_ORTHORECTIFY = "Orthorectify it first, in the program that made it or with gdalwarp."

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Georeference:
    """The way from pixels to positions.

    Attributes:
        crs: The horizontal coordinate system.
        affine: From column and row to its coordinates; whole numbers are corners of pixels.
        accuracy_m: Of the way to WGS 84; None where it is not known.
        height: Rows of the mosaic.
        width: Its columns.
    """

    crs: CRS
    affine: Affine
    transformer: Any
    accuracy_m: float | None
    height: int
    width: int

    def positions(self, columns: F64, rows: F64) -> tuple[F64, F64]:
        """Return longitudes and latitudes of pixel places, running on across the antimeridian.

        Raises:
            UnreadableImage: A place has no position, or they go round a pole.
        """
        lon, lat = self._transformed(columns, rows)
        middle = self._transformed(np.array([self.width / 2]), np.array([self.height / 2]))[0]
        lon = middle + (lon - middle + 180.0) % 360.0 - 180.0
        for axis in range(lon.ndim):
            if np.abs(np.diff(lon, axis=axis)).max(initial=0.0) > 180.0:
                raise UnreadableImage(
                    "The mosaic goes round a pole, where a map of longitudes has no place for it.",
                    hint="Cut it into parts that do not hold the pole.",
                )
        return lon, lat

    def pixel_m(self) -> tuple[float, float]:
        """Return the ground size of a pixel, down and across, measured on the ellipsoid.

        Coordinates may be in feet, degrees or a stretched metre (Web Mercator); this is in metres
        whatever they are.

        Raises:
            UnreadableImage: The size differs too much within the mosaic for tiles of one size.
        """
        height, width = float(self.height), float(self.width)
        lengths = [
            [self._distance(0, y, width, y) / width for y in (0.0, height / 2, height)],
            [self._distance(x, 0, x, height) / height for x in (0.0, width / 2, width)],
        ]
        for across in lengths:
            if min(across) <= 0 or max(across) > _MOST_STRETCH * min(across):
                raise UnreadableImage(
                    f"A pixel is {min(across):.3g} m here and {max(across):.3g} m there: the "
                    "mosaic is too large for its coordinate system.",
                    hint="Reproject it to UTM, or cut it into fields.",
                )
        return lengths[1][1], lengths[0][1]

    def pixel_area_m2(self) -> float:
        """Return the area of the middle's pixel on the ground, also where rows are slanted."""
        x, y = self.width / 2, self.height / 2
        half = min(x, y)
        across, right = self._direction(x - half, y, x + half, y)
        down, below = self._direction(x, y - half, x, y + half)
        slant = abs(np.sin(np.radians(below - right)))
        return float(across * down * slant / (2 * half) ** 2)

    def _distance(self, x: float, y: float, to_x: float, to_y: float) -> float:
        return self._direction(x, y, to_x, to_y)[0]

    def _direction(self, x: float, y: float, to_x: float, to_y: float) -> tuple[float, float]:
        lon, lat = self._transformed(np.array([x, to_x]), np.array([y, to_y]))
        azimuth, _, distance = _GEOD.inv(lon[0], lat[0], lon[1], lat[1])
        return float(distance), float(azimuth)

    def _transformed(self, columns: F64, rows: F64) -> tuple[F64, F64]:
        a, b, c, d, e, f = self.affine[:6]
        x, y = a * columns + b * rows + c, d * columns + e * rows + f
        lon, lat = (np.asarray(axis) for axis in self.transformer.transform(x, y))
        if not (np.isfinite(lon).all() and np.isfinite(lat).all() and np.abs(lat).max() <= 90.0):
            raise UnreadableImage(
                f"Places of the mosaic have no position on Earth by {self.crs.name}.",
                hint=_EXPORT_AGAIN,
            )
        return lon, lat


def georeference_of(source: DatasetReader) -> Georeference:
    """Return where the pixels of an open mosaic lie.

    Raises:
        UnreadableImage: It states no place, only control points or a camera model, or one that
            cannot be.
    """
    crs = _crs(source)
    if not _is_placed(source):
        raise UnreadableImage(
            "The mosaic has a coordinate system but no place in it.", hint=_EXPORT_AGAIN
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a better way needs a grid that is not here
        ways = TransformerGroup(crs, _WGS84, always_xy=True).transformers
    if not ways:
        raise UnreadableImage(f"No way leads from {crs.name} to WGS 84.", hint=_EXPORT_AGAIN)
    accuracy = ways[0].accuracy if ways[0].accuracy >= 0 else None
    found = Georeference(crs, source.transform, ways[0], accuracy, source.height, source.width)
    _refuse_elsewhere(found)
    return found


def _crs(source: DatasetReader) -> CRS:
    if source.crs is None:
        raise _unplaced(source)
    try:
        crs = CRS.from_wkt(source.crs.to_wkt(version="WKT2_2019"))
    except CRSError as exc:
        raise UnreadableImage(
            "The mosaic's coordinate system cannot be read.", hint=_EXPORT_AGAIN
        ) from exc
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    crs = crs.to_2d()
    if not (crs.is_geographic or crs.is_projected):
        raise UnreadableImage(
            f"The mosaic's coordinate system is {crs.name!r} ({crs.type_name}), which is nowhere "
            "on Earth.",
            hint=_EXPORT_AGAIN,
        )
    return crs


def _unplaced(source: DatasetReader) -> UnreadableImage:
    if source.gcps[0]:
        how = f"only {len(source.gcps[0])} ground control points"
    elif source.rpcs is not None:
        how = "only the camera's model (RPC)"
    else:
        return UnreadableImage(
            "The mosaic has no coordinate system: nobody knows where it lies.", hint=_EXPORT_AGAIN
        )
    return UnreadableImage(f"The mosaic has {how}, no map coordinates.", hint=_ORTHORECTIFY)


def _is_placed(source: DatasetReader) -> bool:
    """Return whether there is a way from pixels to coordinates that is not GDAL's stand-in."""
    affine = source.transform
    is_finite = all(np.isfinite(affine[:6]))
    return is_finite and affine.determinant != 0.0 and not affine.almost_equals(Affine.identity())


def _refuse_elsewhere(found: Georeference) -> None:
    """Refuse a place far from where the coordinate system is used: its numbers are of another."""
    code = found.crs.to_epsg()  # a file's own words hold no area
    area = CRS.from_epsg(code).area_of_use if code else None
    lon, lat = found.positions(np.array([found.width / 2]), np.array([found.height / 2]))
    if area is None:
        return
    beyond = (lon[0] - area.west) % 360.0
    span = (area.east - area.west) % 360.0 or 360.0
    is_inside = beyond <= span + _WITHIN_DEG or beyond >= 360.0 - _WITHIN_DEG
    if not is_inside or not area.south - _WITHIN_DEG <= lat[0] <= area.north + _WITHIN_DEG:
        raise UnreadableImage(
            f"By its coordinates the mosaic lies at {lat[0]:.4f}, {lon[0]:.4f} (latitude, "
            f"longitude), far from where {found.crs.name} is used: {area.name}",
            hint=_EXPORT_AGAIN,
        )
