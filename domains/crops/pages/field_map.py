"""A map without a background map: nothing is fetched, and it works where there is no network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import shapely
import streamlit as st

from core.types import Disposition
from domains.crops.locale import N_, Language
from domains.crops.survey.values import Survey, SurveyTile

_HERE = Path(__file__).parent
_METRES_PER_DEGREE = 111_320.0
_CLOSER, _FARTHER, _ALL = N_("Zoom in"), N_("Zoom out"), N_("Show everything")
_TOGETHER = N_("{count} photos; zoom in to part them")

UNJUDGED = "unjudged"


@dataclass(frozen=True, slots=True)
class Area:
    """A tile on the map.

    Attributes:
        id: What is picked when it is tapped.
        path: Its outline as the data of an SVG path, in metres.
        kind: A disposition, or ``unjudged``; ``answered`` besides where a person decided.
        text: What a pointer over it reads.
    """

    id: str
    path: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Point:
    """A photo on the map.

    Attributes:
        id: What is picked when it is tapped.
        x: Metres to the east.
        y: Metres to the south.
        kind: A disposition, or ``unjudged``.
        text: What a screen reader says.
    """

    id: str
    x: float
    y: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class MapNumber:
    """A number on the map."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class FieldMap:
    """What is drawn.

    Attributes:
        view: Names what is shown; zoom and place start anew where it changes.
        box: Left, top, width and height of everything, in metres.
        areas: Of the tiles; an answered one and the one that is picked are drawn above the others.
        points: The most urgent first.
        labels: Above everything.
    """

    view: str
    box: tuple[float, float, float, float]
    areas: tuple[Area, ...] = ()
    points: tuple[Point, ...] = ()
    labels: tuple[MapNumber, ...] = ()


@dataclass(frozen=True, slots=True)
class Plane:
    """Metres around a place: longitudes are shrunk by the cosine of its latitude.

    Attributes:
        longitude: Degrees, of the origin.
        latitude: The same.
    """

    longitude: float
    latitude: float

    def place(self, positions: np.ndarray) -> np.ndarray:
        """Return metres to the east and to the south, ``n 2``, of longitudes and latitudes."""
        shrink = math.cos(math.radians(self.latitude))
        east = (positions[:, 0] - self.longitude) * shrink * _METRES_PER_DEGREE
        south = (self.latitude - positions[:, 1]) * _METRES_PER_DEGREE
        return np.stack([east, south], 1)

    def position(self, east: float, south: float) -> tuple[float, float]:
        """Return longitude and latitude of metres to the east and to the south."""
        shrink = math.cos(math.radians(self.latitude))
        longitude = self.longitude + east / (shrink * _METRES_PER_DEGREE)
        return longitude, self.latitude - south / _METRES_PER_DEGREE


def map_of_survey(survey: Survey, view: str, zones: int) -> FieldMap:
    """Return the tiles of a survey, and the numbers of its first zones.

    Args:
        survey: The survey.
        view: Names what is shown.
        zones: How many zones get their number.
    """
    rings = [np.array(tile.ring) for tile in survey.tiles]
    corners = np.concatenate(rings)
    middle = (corners.min(0) + corners.max(0)) / 2
    plane = Plane(float(middle[0]), float(middle[1]))
    placed = [plane.place(ring) for ring in rings]
    areas = tuple(
        _area(number, tile, ring)
        for number, (tile, ring) in enumerate(zip(survey.tiles, placed, strict=True))
    )
    labels = []
    for zone in survey.zones[:zones]:
        inside = shapely.get_coordinates(shapely.point_on_surface(zone.area))
        x, y = plane.place(inside)[0].tolist()
        labels.append(MapNumber(x, y, str(zone.number)))
    everything = np.concatenate(placed)
    left, top = everything.min(0).tolist()
    width, height = np.ptp(everything, axis=0).tolist()
    return FieldMap(view, (left, top, width, height), areas, (), tuple(labels))


def kind_of(disposition: Disposition | None) -> str:
    """Return the style of a disposition."""
    return disposition.value if disposition else UNJUDGED


def _area(number: int, tile: SurveyTile, ring: np.ndarray) -> Area:
    """Return a tile by what a person called it, else by its verdict."""
    if (answer := tile.answer) is not None:
        kind = f"{answer.disposition.value} answered"
        return Area(str(number), _path(ring), kind, answer.wording)
    word = tile.verdict.wording if tile.verdict else ""
    kind = kind_of(tile.disposition)
    return Area(str(number), _path(ring), kind, word or tile.status.sentence)


def _path(ring: np.ndarray) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in ring) + "Z"


def show(
    drawn: FieldMap,
    picked: str,
    title: str,
    language: Language,
    key: str,
    *,
    takes_places: bool = False,
) -> str | tuple[float, float] | None:
    """Return the id of what was tapped in this run, or the place; None where nothing was.

    Args:
        drawn: What is drawn.
        picked: Id of what is open, which is marked.
        title: What the map shows, for whoever cannot see it.
        language: Of the words on it.
        key: Names the place on the page.
        takes_places: Whether a tap on the ground is a place: metres to the east and the south.
    """
    mount = st.components.v2.component(
        "assay_field_map",
        html='<div class="field-map"></div>',
        css=(_HERE / "field_map.css").read_text(),
        js=(_HERE / "field_map.js").read_text(),
    )
    words: Mapping[str, str] = {
        "closer": language.text(_CLOSER),
        "farther": language.text(_FARTHER),
        "all": language.text(_ALL),
        "several": language.text(_TOGETHER),
    }
    data = {**asdict(drawn), "picked": picked, "title": title, "words": words}
    result = mount(
        key=f"field-map-{key}",
        data={**data, "takesPlaces": takes_places},
        on_picked_change=lambda: None,
        on_place_change=lambda: None,
    )
    if takes_places and (place := _place(result.place)):
        return place
    tapped = result.picked
    return tapped if isinstance(tapped, str) and tapped in _ids(drawn) else None


def _place(tapped: object) -> tuple[float, float] | None:
    """Return a place that the browser sent, checked, since anybody can send anything."""
    if not isinstance(tapped, list) or len(tapped) != 2:
        return None
    east, south = tapped
    is_number = isinstance(east, int | float) and isinstance(south, int | float)
    return (float(east), float(south)) if is_number and math.hypot(east, south) < 1e6 else None


def _ids(drawn: FieldMap) -> Sequence[str]:
    return [*(one.id for one in drawn.areas), *(one.id for one in drawn.points)]
