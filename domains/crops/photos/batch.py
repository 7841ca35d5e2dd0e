"""The places of photos that came together: what only their neighbours tell.

A drone that repeats one position while it flies has a place that is wrong for every photo, and a
photo far from all others is more often a wrong file than a far field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from domains.crops.photos.capture_time import CaptureTime, capture_time
from domains.crops.photos.facts import PhotoFacts
from domains.crops.photos.place import (
    EARTH_RADIUS_M,
    Location,
    Place,
    Position,
    exif_position,
    locate,
    number_of,
    xmp_position,
)
from domains.crops.photos.reasons import PhotoReason, sentence_of

FEWEST_FROZEN, SHORTEST_FROZEN_S, LOWEST_FLIGHT_M = 5, 60.0, 5.0
FARTHEST_M = 50_000.0

_NAMES = (
    (re.compile(r"(IMG|VID)-\d{8}-WA\d{4}", re.I), PhotoReason.WHATSAPP),
    (re.compile(r"photo_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", re.I), PhotoReason.TELEGRAM),
    (re.compile(r"image\.jpe?g(#\d+)?$", re.I), PhotoReason.BROWSER_COPY),
)
_RESIZED = frozenset({1280, 1600, 2048})
_REMOVED = frozenset({PhotoReason.NO_GPS, PhotoReason.GPS_EMPTY})


@dataclass(frozen=True, slots=True)
class NamedFacts:
    """What one photo of a batch states.

    Attributes:
        name: As it came, with folders or without.
        facts: What its file states.
        time: When it was taken.
    """

    name: str
    facts: PhotoFacts
    time: CaptureTime

    @classmethod
    def of(cls, name: str, facts: PhotoFacts) -> NamedFacts:
        """Return a photo with the time that its file states."""
        return cls(name, facts, capture_time(facts.camera, facts.gps))


def locate_photo(photo: NamedFacts) -> Location:
    """Return where one photo was taken, as far as it says itself."""
    return _located(photo, _exif(photo), _xmp(photo))


def locate_batch(photos: Sequence[NamedFacts]) -> list[Location]:
    """Return where each photo of a batch was taken, in the order given.

    A position that five or more photos of a flight (RelativeAltitude over 5 m) repeat to the byte
    over a minute or longer is not believed; neither source is. A place more than 50 km from the
    median of all is a candidate that a person confirms.
    """
    frozen_exif = _frozen(photos, _exif_key)
    frozen_xmp = _frozen(photos, _xmp_key)
    frozen = sentence_of(PhotoReason.PLACE_FROZEN)
    located = [
        _located(
            photo,
            frozen if number in frozen_exif else _exif(photo),
            frozen if number in frozen_xmp else _xmp(photo),
        )
        for number, photo in enumerate(photos)
    ]
    return _with_far_ones_asked(located)


def _exif(photo: NamedFacts) -> Position:
    return exif_position(photo.facts.gps, photo.facts.accuracy)


def _xmp(photo: NamedFacts) -> Position | None:
    return xmp_position(photo.facts.drone)


def _located(photo: NamedFacts, exif: Position, xmp: Position | None) -> Location:
    found = locate(exif, xmp)
    if found.reason is None or found.reason.code not in _REMOVED:
        return found
    return Location(None, sentence_of(_why_removed(photo) or PhotoReason(found.reason.code)))


def _why_removed(photo: NamedFacts) -> PhotoReason | None:
    """Return who removed the place, by the name that they give a photo or by its size."""
    name = photo.name.replace("\\", "/").rpartition("/")[2]
    for pattern, reason in _NAMES:
        if pattern.match(name):
            return reason
    longest = max(photo.facts.width, photo.facts.height)
    is_copy = longest in _RESIZED and not photo.facts.camera.make
    return PhotoReason.RESIZED_COPY if is_copy else None


def _exif_key(facts: PhotoFacts) -> Hashable:
    gps = facts.gps
    if gps is None or not gps.latitude:
        return None
    return gps.latitude, gps.latitude_ref, gps.longitude, gps.longitude_ref


def _xmp_key(facts: PhotoFacts) -> Hashable:
    place = xmp_position(facts.drone)
    return (place.latitude, place.longitude) if isinstance(place, Place) else None


def _frozen(photos: Sequence[NamedFacts], key: Callable[[PhotoFacts], Hashable]) -> set[int]:
    groups: dict[Hashable, list[int]] = {}
    for number, photo in enumerate(photos):
        repeated = key(photo.facts)
        height = number_of(photo.facts.drone, "RelativeAltitude")
        if repeated is not None and height is not None and height > LOWEST_FLIGHT_M:
            groups.setdefault(repeated, []).append(number)
    return {
        number
        for group in groups.values()
        if len(group) >= FEWEST_FROZEN
        and _span_s(photos[one].time for one in group) >= SHORTEST_FROZEN_S
        for number in group
    }


def _span_s(times: Iterable[CaptureTime]) -> float:
    known: list[datetime] = [time.local for time in times if time.local is not None]
    return (max(known) - min(known)).total_seconds() if known else 0.0


def _with_far_ones_asked(located: Sequence[Location]) -> list[Location]:
    checked = list(located)
    numbers = [number for number, one in enumerate(located) if one.place is not None]
    metres = _from_median_m([one.place for one in located if one.place is not None])
    for number, far in zip(numbers, metres, strict=True):
        if far > FARTHEST_M:
            one = located[number]
            why = sentence_of(PhotoReason.PLACE_FAR, {"kilometres": round(far / 1000)})
            checked[number] = Location(None, why, one.notes, candidate=one.place)
    return checked


def _from_median_m(places: Sequence[Place]) -> list[float]:
    """Return how far each place is from the median of all, on the sphere, where no meridian ends.

    Opposite places have no median between them: then each is half the earth away.
    """
    if len(places) < 2:
        return [0.0] * len(places)
    north, east = np.radians([(one.latitude, one.longitude) for one in places]).T
    points = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])
    median = np.median(points, axis=1)
    length = float(np.linalg.norm(median))
    cosines = median @ points / length if length else np.full(len(places), -1.0)
    metres: list[float] = (EARTH_RADIUS_M * np.arccos(np.clip(cosines, -1, 1))).tolist()
    return metres
