"""When a photo was taken: the camera's wall clock, its zone where it is stated, never a guess."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

from domains.crops.locale import Sentence
from domains.crops.photos.facts import StatedCamera, StatedGps
from domains.crops.photos.reasons import PhotoReason, sentence_of

MOST_APART_H = 18.0
"""No zone is 18 hours from UTC: a clock that is further from the GPS time is wrong."""

_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class CaptureTime:
    """When a photo was taken.

    Attributes:
        local: What the camera's clock showed, without a zone; None where nothing is stated.
        zone: Offset from UTC; None where none is stated, which is not UTC.
        gps: Time of the GPS receiver, UTC; None where none is stated.
        notes: What a person should know: no time, no zone, a wrong clock.
    """

    local: datetime | None
    zone: timezone | None = None
    gps: datetime | None = None
    notes: tuple[Sentence, ...] = ()

    @property
    def stated(self) -> datetime | None:
        """The local time with its zone where one is stated, without one where none is."""
        return self.local.replace(tzinfo=self.zone) if self.local and self.zone else self.local

    def order(self, name: str) -> tuple[bool, datetime, str]:
        """Return what photos of one field are sorted by: clock, then name; without a time last."""
        return self.local is None, self.local or datetime.min, name


def capture_time(camera: StatedCamera, gps: StatedGps | None) -> CaptureTime:
    """Return when a photo was taken, as far as its file states it.

    Args:
        camera: OffsetTimeOriginal counts before OffsetTime, which is that of the last change.
        gps: Checks the clock; None where there is none.
    """
    local = _clock(camera.taken, camera.subsecond)
    received = None if gps is None else _gps_time(gps)
    if local is None:
        return CaptureTime(None, gps=received, notes=(sentence_of(PhotoReason.TIME_UNKNOWN),))
    zone = _zone(camera.offset_original) or _zone(camera.offset)
    notes = [] if zone else [sentence_of(PhotoReason.ZONE_UNKNOWN)]
    if received is not None:
        apart = abs(local.replace(tzinfo=zone or UTC) - received) / timedelta(hours=1)
        if apart > MOST_APART_H:
            notes.append(sentence_of(PhotoReason.CLOCK_WRONG, {"hours": round(apart)}))
    return CaptureTime(local, zone, received, tuple(notes))


def _clock(text: str, subsecond: str) -> datetime | None:
    try:
        time = datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    digits = subsecond if subsecond.isascii() and subsecond.isdigit() else ""
    return time.replace(microsecond=int(digits[:6].ljust(6, "0"))) if digits else time


def _zone(text: str) -> timezone | None:
    found = _OFFSET.fullmatch(text)
    if not found or int(found[2]) > 14 or int(found[3]) > 59:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-offset if found[1] == "-" else offset)


def _gps_time(gps: StatedGps) -> datetime | None:
    if len(gps.time) != 3 or any(bottom == 0 for _, bottom in gps.time):
        return None
    hours, minutes, seconds = (Fraction(top, bottom) for top, bottom in gps.time)
    try:
        day = datetime.strptime(gps.date, "%Y:%m:%d").replace(tzinfo=UTC)
        passed = float(hours * 3600 + minutes * 60 + seconds)
        return day + timedelta(seconds=passed) if 0 <= passed <= 86_400 else None
    except (ValueError, OverflowError):
        return None
