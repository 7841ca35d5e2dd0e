"""Where photos were taken, as a drawing: the colour of what is decided, numbers of the first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.report.drawing import INK, Drawing, DrawnDisc, Mark
from core.types import F64, Disposition
from domains.crops.exports.field_map import ANSWERED_WIDTH, FILLS, number_marks
from domains.crops.exports.map_plane import MapPlane

_RADIUS, _THIN = 6.0, 0.8
_LEAST_M = 20.0


def draw_photos(
    places: Sequence[tuple[float, float] | None],
    called: Sequence[Disposition | None],
    answered: Sequence[bool],
    numbered: int,
) -> Drawing | None:
    """Return photos on the ground, north up, with a scale; None where none has a place.

    Args:
        places: Longitude and latitude of each, the most urgent first; None without one.
        called: What each is called; None where it was not judged.
        answered: Whether a person called it so.
        numbered: How many of the first bear their number.
    """
    placed = [number for number, place in enumerate(places) if place is not None]
    if not placed:
        return None
    positions = _running_on(np.array([places[number] for number in placed], np.float64))
    plane = MapPlane.around(positions, _LEAST_M)
    marks: list[Mark] = []
    # The most urgent are drawn last, above what they would be covered by.
    for number, (x, y) in reversed(list(zip(placed, plane.place(positions).tolist(), strict=True))):
        fill, name = FILLS[called[number]]
        width = ANSWERED_WIDTH if answered[number] else _THIN
        marks.append(DrawnDisc((x, y), _RADIUS, fill, f"field-{name}", INK, width))
        if number < numbered:
            marks += number_marks(number + 1, x, y - _RADIUS - 11)
    return plane.drawing(marks)


def _running_on(positions: F64) -> F64:
    """Return positions whose longitudes run on across the antimeridian from the first one."""
    west = positions[0, 0]
    turned = (positions[:, 0] - west + 180.0) % 360.0 - 180.0 + west
    return np.stack([turned, positions[:, 1]], 1)
