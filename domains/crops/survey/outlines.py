"""Areas on the map as RFC 7946 wants them: cut at the antimeridian, outer rings anticlockwise."""

from __future__ import annotations

from collections.abc import Iterable

import shapely
from shapely import affinity
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.polygon import orient

_WORLDS = (-360, 0, 360)


def cut(area: Polygon | MultiPolygon) -> Polygon | MultiPolygon:
    """Return an area with longitudes from -180 to 180, in two parts where it crosses 180.

    Longitude is taken for a plane's x, so that an edge across the antimeridian is cut where the
    straight line on the map is (RFC 7946, section 3.1.9).

    Args:
        area: Longitude and latitude in degrees, running on beyond 180 (or -180) where it crosses.
    """
    lowest, _, highest, _ = area.bounds
    if lowest >= -180 and highest <= 180:
        return _oriented(_polygons(area))
    parts: list[Polygon] = []
    for shift in _WORLDS:
        moved = affinity.translate(area, xoff=shift)
        parts += _polygons(shapely.intersection(moved, shapely.box(-180, -90, 180, 90)))
    return _oriented(parts)


def _polygons(area: shapely.Geometry) -> list[Polygon]:
    parts = shapely.get_parts(area).tolist()
    return [part for part in parts if isinstance(part, Polygon) and part.area > 0]


def _oriented(parts: Iterable[Polygon]) -> Polygon | MultiPolygon:
    turned = [orient(part) for part in parts]
    return turned[0] if len(turned) == 1 else MultiPolygon(turned)
