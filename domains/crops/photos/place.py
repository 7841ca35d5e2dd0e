"""Where a photo was taken, by a table and not by a guess: a place, or none with the reason."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from domains.crops.locale import Sentence
from domains.crops.photos.facts import Fractions, StatedGps
from domains.crops.photos.reasons import PhotoReason, sentence_of

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the earth (IUGG)."""

MOST_APART_M = 100.0
_ZERO_DEGREES = 1e-6
_METRES_A_DEGREE = 111_195.0
_COARSEST_STEP_M = 1.0
_NUMBER = re.compile(r"[+-]?\d{1,8}(\.\d{0,20})?")
_LATITUDES, _LONGITUDES = (
    ("GpsLatitude", "Latitude"),
    ("GpsLongitude", "GpsLongtitude", "Longitude"),
)


class PlaceSource(StrEnum):
    """Who states a place."""

    EXIF = "exif"
    XMP = "xmp"
    HAND = "placed by hand"


@dataclass(frozen=True, slots=True)
class Place:
    """A position on WGS-84.

    Attributes:
        latitude: Degrees, north positive, -90 to 90.
        longitude: Degrees, east positive, -180 to 180.
        source: Who states it.
        accuracy_m: Metres, as the file states it (GPSHPositioningError, RTK deviations, Pix4D
            accuracy), never finer than the digits it writes; None where nothing states it.
    """

    latitude: float
    longitude: float
    source: PlaceSource
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """Where a photo is shown, or why it is not.

    Attributes:
        place: None where none is certain enough to be shown on a map.
        reason: Why there is none, with what to do; None where there is one, and of a file that
            cannot be read.
        notes: What else a person should know of it.
        candidate: A place that a person is asked to confirm; never shown as it is.
    """

    place: Place | None
    reason: Sentence | None = None
    notes: tuple[Sentence, ...] = ()
    candidate: Place | None = None


Drone = Mapping[str, tuple[str, ...]]
Position = Place | Sentence
"""A usable statement of a place, or why it cannot be used."""


def place_by_hand(latitude: float, longitude: float) -> Place:
    """Return a place that a person picked on a map.

    Raises:
        ValueError: It is no position on earth.
    """
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError(f"expected at most 90 and 180 degrees, got {latitude}, {longitude}")
    return Place(latitude, longitude, PlaceSource.HAND)


def locate(exif: Position, xmp: Position | None) -> Location:
    """Return the place that two statements agree on, or that the only usable one makes.

    Args:
        exif: What ``exif_position`` gave, or why it is not believed.
        xmp: What ``xmp_position`` gave, or why it is not believed; None where there is none.
    """
    if isinstance(exif, Place) and isinstance(xmp, Place):
        metres = distance_m(exif, xmp)
        if metres > MOST_APART_M:
            return Location(None, _apart(metres))
        if exif.accuracy_m is None:
            exif = replace(exif, accuracy_m=xmp.accuracy_m)
        return Location(exif)
    if isinstance(exif, Place):
        if isinstance(xmp, Sentence) and xmp.code == PhotoReason.PLACES_CONFLICT:
            return Location(None, xmp)
        return Location(exif)
    if exif.code == PhotoReason.GPS_SIGN_CONFLICT or xmp is None:
        return Location(None, exif)
    if isinstance(xmp, Place):
        return Location(xmp, notes=(sentence_of(PhotoReason.PLACE_OF_DRONE, {"gps": exif.code}),))
    return Location(None, xmp if exif.code in _UNTELLING else exif)


_UNTELLING = frozenset({PhotoReason.NO_GPS, PhotoReason.GPS_EMPTY})


def exif_position(gps: StatedGps | None, accuracy: str = "") -> Position:
    """Return the place of a GPS directory, or why it is not usable.

    Args:
        gps: The directory; None where the file has none.
        accuracy: What Pix4D's camera tags say of it, metres.
    """
    refused = _unusable(gps)
    if gps is None or refused is not None:
        return refused or sentence_of(PhotoReason.NO_GPS)
    latitude, longitude = _degrees(gps.latitude, 90), _degrees(gps.longitude, 180)
    if latitude is None or longitude is None:
        return sentence_of(PhotoReason.GPS_DAMAGED)
    north = float(latitude) * (-1 if gps.latitude_ref == "S" else 1)
    east = float(longitude) * (-1 if gps.longitude_ref == "W" else 1)
    if _is_zero(north, east):
        return sentence_of(PhotoReason.GPS_ZEROED)
    step = max(_step_m(gps.latitude), _step_m(gps.longitude))
    stated = _positive(gps.error) or _number(accuracy)
    return Place(north, east, PlaceSource.EXIF, _accuracy(stated, step))


def _unusable(gps: StatedGps | None) -> Sentence | None:
    """Return the first row of the table that a GPS directory breaks before its numbers count."""
    if gps is None:
        return sentence_of(PhotoReason.NO_GPS)
    parts = (*gps.latitude, *gps.longitude)
    datum = re.sub(r"[\s-]", "", gps.datum).upper()
    rows = (
        (bool(parts) and not any(top for top, _ in parts), PhotoReason.GPS_ZEROED),
        (not parts and not (gps.latitude_ref or gps.longitude_ref), PhotoReason.GPS_EMPTY),
        (bool(gps.version) and not any(gps.version), PhotoReason.GPS_NEVER_FILLED),
        (gps.status.upper() == "V", PhotoReason.GPS_NO_FIX),
        (datum not in ("", "WGS84"), PhotoReason.GPS_OTHER_DATUM),
        (not parts, PhotoReason.GPS_DAMAGED),
        (
            gps.latitude_ref not in ("N", "S") or gps.longitude_ref not in ("E", "W"),
            PhotoReason.GPS_NO_HEMISPHERE,
        ),
        (any(top * bottom < 0 for top, bottom in parts), PhotoReason.GPS_SIGN_CONFLICT),
    )
    reason = next((reason for is_broken, reason in rows if is_broken), None)
    return None if reason is None else sentence_of(reason, {"datum": gps.datum[:40]})


def _degrees(parts: Fractions, most: int) -> Fraction | None:
    """Return degrees, minutes and seconds as degrees; None where they are no angle.

    60 seconds count as the next minute, as some phones round.
    """
    if len(parts) != 3 or any(bottom == 0 for _, bottom in parts):
        return None
    degrees, minutes, seconds = (Fraction(top, bottom) for top, bottom in parts)
    if not (0 <= degrees <= most and 0 <= minutes < 60 and 0 <= seconds <= 60):
        return None
    total = degrees + minutes / 60 + seconds / 3600
    return total if total <= most else None


def _step_m(parts: Fractions) -> float:
    """Return how far two neighbouring positions lie apart in the digits that are written."""
    weights = (1, 60, 3600)
    return _METRES_A_DEGREE * min(
        1 / (w * abs(b)) for w, (_, b) in zip(weights, parts, strict=True)
    )


def _accuracy(stated: float | None, step: float) -> float | None:
    if stated is None:
        return step if step > _COARSEST_STEP_M else None
    return max(stated, step)


def _positive(fractions: Fractions) -> float | None:
    top, bottom = fractions[0] if fractions else (0, 0)
    return top / bottom if bottom and top / bottom > 0 else None


def xmp_position(drone: Drone) -> Position | None:
    """Return the place of drone-dji's properties, why it is not usable, or None without any.

    Args:
        drone: ``PhotoFacts.drone``.
    """
    north, east = _statements(drone, _LATITUDES), _statements(drone, _LONGITUDES)
    if not north and not east:
        return None
    if "invalid" in (text.lower() for text in drone.get("GpsStatus", ())):
        return sentence_of(PhotoReason.GPS_NO_FIX)
    latitudes, longitudes = [_number(text) for text in north], [_number(text) for text in east]
    places = []
    for latitude in latitudes:
        for longitude in longitudes:
            if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
                return sentence_of(PhotoReason.GPS_DAMAGED)
            places.append(Place(latitude, longitude, PlaceSource.XMP, _rtk(drone)))
    return _agreed(places)


def _agreed(places: Sequence[Place]) -> Position:
    if not places:
        return sentence_of(PhotoReason.GPS_DAMAGED)
    metres = max(distance_m(places[0], one) for one in places)
    if metres > MOST_APART_M:
        return _apart(metres)
    if _is_zero(places[0].latitude, places[0].longitude):
        return sentence_of(PhotoReason.GPS_NO_FIX)
    return places[0]


def _statements(drone: Drone, names: Sequence[str]) -> list[str]:
    return [text for name in names for text in drone.get(name, ())]


def _rtk(drone: Drone) -> float | None:
    stated = (number_of(drone, name) for name in ("RtkStdLat", "RtkStdLon"))
    known = [one for one in stated if one is not None and one > 0]
    return math.hypot(*known) if len(known) == 2 else None


def number_of(drone: Drone, name: str) -> float | None:
    """Return the first statement of a drone-dji property as a number; None where it is none."""
    stated = drone.get(name, ())
    return _number(stated[0]) if stated else None


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _is_zero(latitude: float, longitude: float) -> bool:
    return abs(latitude) <= _ZERO_DEGREES and abs(longitude) <= _ZERO_DEGREES


def distance_m(one: Place, other: Place) -> float:
    """Return the great-circle distance of two places in metres (haversine)."""
    a, b = math.radians(one.latitude), math.radians(other.latitude)
    east = math.radians(other.longitude - one.longitude)
    chord = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def _apart(metres: float) -> Sentence:
    return sentence_of(PhotoReason.PLACES_CONFLICT, {"metres": round(metres)})
