"""A surveyed field as a drawing: colour where something is decided, hatching where nothing is."""

from __future__ import annotations

import math

import numpy as np
import shapely
from markupsafe import Markup

from core.types import Disposition
from domains.crops.survey.values import Survey, SurveyTile

_WIDTH, _MARGIN, _MAX_HEIGHT = 720.0, 26.0, 900.0
_METRES_PER_DEGREE = 111_320.0
_LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_FILLS = {
    Disposition.POSITIVE: ("#c9440a", "positive"),
    Disposition.NEGATIVE: ("#7fb89f", "negative"),
    Disposition.DEFER: ("url(#hatched)", "uncertain"),
}
_UNJUDGED = ("url(#dotted)", "unjudged")
_PATTERNS = Markup(
    '<defs><pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/>'
    '<rect width="2.4" height="6" fill="#44506a"/></pattern>'
    '<pattern id="dotted" width="7" height="7" patternUnits="userSpaceOnUse">'
    '<rect width="7" height="7" fill="#e4e7ec"/><circle cx="2" cy="2" r="1" fill="#8a94a6"/>'
    "</pattern></defs>"
)


def draw_map(survey: Survey, title: str, zones: int) -> Markup:
    """Return the field from above, north up, with a scale and the first zones numbered.

    Args:
        survey: What to draw; a survey across the antimeridian is drawn in one.
        title: What a screen reader says.
        zones: How many zones get their number.
    """
    rings = [np.array(tile.ring) for tile in survey.tiles]
    corners = np.concatenate(rings)
    west, south = corners.min(0)
    east, north = corners.max(0)
    shrink = math.cos(math.radians((south + north) / 2))
    wide, high = max((east - west) * shrink, 1e-9), max(north - south, 1e-9)
    scale = min((_WIDTH - 2 * _MARGIN) / wide, (_MAX_HEIGHT - 3 * _MARGIN) / high)

    def placed(lons_lats: np.ndarray) -> np.ndarray:
        x = _MARGIN + (lons_lats[:, 0] - west) * shrink * scale
        y = _MARGIN + (north - lons_lats[:, 1]) * scale
        return np.stack([x, y], 1)

    height = high * scale + 3 * _MARGIN
    drawn = sorted(zip(survey.tiles, rings, strict=True), key=lambda one: bool(one[0].answer))
    marks = [_tile(tile, placed(ring)) for tile, ring in drawn]  # frames above their neighbours
    for zone in survey.zones[:zones]:
        middle = shapely.get_coordinates(shapely.point_on_surface(zone.area))
        marks.append(_number(zone.number, *placed(middle)[0].tolist()))
    marks.append(_scale_bar(scale / _METRES_PER_DEGREE, high * scale + 2.2 * _MARGIN))
    return Markup(
        '<svg viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}" '
        'xmlns="http://www.w3.org/2000/svg">{}{}</svg>'
    ).format(_WIDTH, height, title, _PATTERNS, Markup("").join(marks))


def _tile(tile: SurveyTile, corners: np.ndarray) -> Markup:
    called = tile.called
    fill, name = _UNJUDGED if called is None else _FILLS[called]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    stroke, width = ("#fff", ".4") if tile.answer is None else ("#1a2230", "1.4")
    return Markup(
        '<polygon class="field-{}" points="{}" fill="{}" stroke="{}" stroke-width="{}"/>'
    ).format(name, points, fill, stroke, width)


def _number(number: int, x: float, y: float) -> Markup:
    return Markup(
        '<circle cx="{0:.1f}" cy="{1:.1f}" r="11" fill="#fff" stroke="#1a2230" stroke-width="1.6"/>'
        '<text x="{0:.1f}" y="{2:.1f}" text-anchor="middle" style="fill:#1a2230;'
        'font-weight:600">{3}</text>'
    ).format(x, y, y + 4.2, number)


def _scale_bar(pixels_per_m: float, y: float) -> Markup:
    most = (_WIDTH - 2 * _MARGIN) / 3
    metres = max((one for one in _LENGTHS if one * pixels_per_m <= most), default=_LENGTHS[0])
    length = metres * pixels_per_m
    end = _MARGIN + length
    north = _WIDTH - _MARGIN - 6
    return Markup(
        '<path d="M{0:.1f} {2:.1f}V{3:.1f}H{1:.1f}V{2:.1f}" fill="none" stroke="currentColor"/>'
        '<text x="{4:.1f}" y="{3:.1f}">{5} m</text>'
        '<path d="M{6:.1f} {3:.1f}l-6 0l6 -16l6 16z" fill="currentColor"/>'
        '<text x="{7:.1f}" y="{3:.1f}" text-anchor="end">N</text>'
    ).format(_MARGIN, end, y - 5, y, end + 6, metres, north, north - 10)
