"""A drawing as values: areas, discs and words, from which a page and a PDF are made alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

HATCHED, DOTTED = "hatched", "dotted"
"""Fills that are patterns, not colours."""

PAPER, INK = "#ffffff", "#1a2230"
HATCH_INK, DOT_PAPER, DOT_INK = "#44506a", "#e4e7ec", "#8a94a6"
HATCH_STEP, DOT_STEP = 6.0, 7.0

Point = tuple[float, float]
"""Across and down, in pixels of the drawing."""


@dataclass(frozen=True, slots=True)
class DrawnArea:
    """A polygon; ``fill`` is a colour, `HATCHED` or `DOTTED`, and ``kind`` what it stands for."""

    points: tuple[Point, ...]
    fill: str
    kind: str
    stroke: str = PAPER
    stroke_width: float = 0.4


@dataclass(frozen=True, slots=True)
class DrawnDisc:
    """A circle; ``fill`` and ``kind`` as of an `DrawnArea`."""

    middle: Point
    radius: float
    fill: str
    kind: str
    stroke: str = INK
    stroke_width: float = 0.8


@dataclass(frozen=True, slots=True)
class DrawnLabel:
    """A word at a point of its base line; ``anchor`` is ``start``, ``middle`` or ``end``."""

    at: Point
    text: str
    anchor: str = "start"
    is_bold: bool = False


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """Straight lines from point to point."""

    points: tuple[Point, ...]


Mark = DrawnArea | DrawnDisc | DrawnLabel | DrawnLine


@dataclass(frozen=True, slots=True)
class Drawing:
    """Marks from back to front on paper of a width and a height, in pixels."""

    width: float
    height: float
    marks: tuple[Mark, ...]


_PATTERNS = Markup(
    '<defs><pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/>'
    '<rect width="2.4" height="6" fill="#44506a"/></pattern>'
    '<pattern id="dotted" width="7" height="7" patternUnits="userSpaceOnUse">'
    '<rect width="7" height="7" fill="#e4e7ec"/><circle cx="2" cy="2" r="1" fill="#8a94a6"/>'
    "</pattern></defs>"
)
_PATTERN_FILLS: Mapping[str, str] = {HATCHED: "url(#hatched)", DOTTED: "url(#dotted)"}


def svg_of(drawing: Drawing, title: str) -> Markup:
    """Return a drawing as SVG; ``title`` is what a screen reader says."""
    return Markup(
        '<svg viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}" '
        'xmlns="http://www.w3.org/2000/svg">{}{}</svg>'
    ).format(
        drawing.width,
        drawing.height,
        title,
        _PATTERNS,
        Markup("").join(map(_mark, drawing.marks)),
    )


def _mark(mark: Mark) -> Markup:
    if isinstance(mark, DrawnArea):
        return Markup(
            '<polygon class="{}" points="{}" fill="{}" stroke="{}" stroke-width="{}"/>'
        ).format(mark.kind, _points(mark.points), _fill(mark.fill), mark.stroke, mark.stroke_width)
    if isinstance(mark, DrawnDisc):
        return Markup(
            '<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{:g}" fill="{}" stroke="{}" '
            'stroke-width="{}"/>'
        ).format(
            mark.kind, *mark.middle, mark.radius, _fill(mark.fill), mark.stroke, mark.stroke_width
        )
    if isinstance(mark, DrawnLabel):
        style = f"fill:{INK};font-weight:600" if mark.is_bold else ""
        return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" style="{}">{}</text>').format(
            *mark.at, mark.anchor, style, mark.text
        )
    return Markup('<polyline points="{}" fill="none" stroke="currentColor"/>').format(
        _points(mark.points)
    )


def _fill(fill: str) -> str:
    return _PATTERN_FILLS.get(fill, fill)


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
