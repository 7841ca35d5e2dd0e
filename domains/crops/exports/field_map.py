"""A surveyed field as a drawing: colour where something is decided, hatching where nothing is."""

from __future__ import annotations

import numpy as np
import shapely

from core.report.drawing import (
    DOTTED,
    HATCHED,
    INK,
    PAPER,
    Drawing,
    DrawnArea,
    DrawnDisc,
    DrawnLabel,
    Mark,
)
from core.types import F64, Disposition
from domains.crops.exports.map_plane import MapPlane
from domains.crops.survey.values import Survey, SurveyTile

FILLS = {
    Disposition.POSITIVE: ("#c9440a", "positive"),
    Disposition.NEGATIVE: ("#7fb89f", "negative"),
    Disposition.DEFER: (HATCHED, "uncertain"),
    None: (DOTTED, "unjudged"),
}
"""Fill and name of what is decided of a tile or a photo."""

ANSWERED_WIDTH = 1.4
"""Width of the frame of what a person has decided."""


def draw_field(survey: Survey, zones: int) -> Drawing:
    """Return the field from above, north up, with a scale and the first zones numbered.

    Args:
        survey: What to draw; a survey across the antimeridian is drawn in one.
        zones: How many zones get their number.
    """
    rings = [np.array(tile.ring) for tile in survey.tiles]
    plane = MapPlane.around(np.concatenate(rings))
    drawn = sorted(zip(survey.tiles, rings, strict=True), key=lambda one: bool(one[0].answer))
    marks: list[Mark] = [_tile(tile, plane.place(ring)) for tile, ring in drawn]
    for zone in survey.zones[:zones]:
        middle = shapely.get_coordinates(shapely.point_on_surface(zone.area))
        marks += number_marks(zone.number, *plane.place(middle)[0].tolist())
    return plane.drawing(marks)


def _tile(tile: SurveyTile, corners: F64) -> DrawnArea:
    fill, name = FILLS[tile.called]
    points = tuple((float(x), float(y)) for x, y in corners)
    if tile.answer is None:
        return DrawnArea(points, fill, f"field-{name}")
    return DrawnArea(points, fill, f"field-{name}", INK, ANSWERED_WIDTH)


def number_marks(number: int, x: float, y: float) -> tuple[Mark, Mark]:
    """Return a number on a disc, at a place in pixels."""
    disc = DrawnDisc((x, y), 11, PAPER, "field-number", INK, 1.6)
    return disc, DrawnLabel((x, y + 4.2), str(number), "middle", is_bold=True)
