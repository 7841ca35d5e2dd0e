"""From a drone's height, lens and gimbal to sizes on the ground and an outline on the map."""

from __future__ import annotations

import math
from dataclasses import dataclass

from domains.crops.locale import Sentence
from domains.crops.photos.facts import Fractions, PhotoFacts, StatedCamera, StatedGps
from domains.crops.photos.place import Drone, Place, number_of
from domains.crops.photos.reasons import PhotoReason, sentence_of

TERRAIN_ALLOWANCE = 0.15
"""Share by which the height over the ground may differ from the one over the take-off."""

LOWEST_HEIGHT_M = 5.0
NADIR_DEGREES = 5.0
_FILM_DIAGONAL_MM = math.hypot(36, 24)
_FRAME_SHARES = {4 / 3: 4 / 5, 3 / 2: 3 / math.sqrt(13)}  # width over diagonal of whole sensors
_SAME_ASPECT = 0.01
_WIDEST_ASPECT = 2.0
_LENS_TOLERANCE = 0.10
_CLOSEST_TO_POLE = 89.0
_EQUATOR_M, _ECCENTRICITY_2 = 6_378_137.0, 0.006_694_379_990_14  # WGS-84

Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Attitude:
    """Where a camera looked.

    Attributes:
        yaw: Direction of the picture's top, degrees clockwise from north; None where unknown.
        pitch: Degrees, -90 straight down; None where unknown.
        is_nadir: Whether it looked down within 5 degrees.
        notes: What is unknown, or taken from elsewhere.
    """

    yaw: float | None
    pitch: float | None
    is_nadir: bool
    notes: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class GroundView:
    """What of the ground a photo shows.

    Attributes:
        height_m: Above take-off; None where it is not stated.
        sample_distance_m: Metres a pixel of the stored picture; None where a factor is missing.
        uncertainty_m: What that may be off by either way: the terrain allowance.
        footprint: Longitude and latitude of the stored picture's corners in degrees, counter-
            clockwise and closed, from its top left; a longitude may pass 180 so that the ring
            stays whole. None for a photo that is shown as a point. Which corner is the top left
            is as sure as the stated yaw: two of the five shared DJI photos are turned by half a
            circle from what they state, which leaves the outline as it is.
        attitude: Where the camera looked.
        reasons: Why there is no size or no outline.
    """

    height_m: float | None
    sample_distance_m: float | None
    uncertainty_m: float | None
    footprint: Ring | None
    attitude: Attitude
    reasons: tuple[Sentence, ...] = ()


def attitude_of(drone: Drone) -> Attitude:
    """Return where a camera looked, by its gimbal.

    A gimbal of which all three angles are exactly 0 did not report (a fault of the DJI P1). The
    yaw of the flight stands in for a missing one of the gimbal, with a note.

    Args:
        drone: ``PhotoFacts.drone``.
    """
    names = ("GimbalYawDegree", "GimbalPitchDegree", "GimbalRollDegree")
    yaw, pitch, roll = (number_of(drone, name) for name in names)
    notes = []
    if pitch is None or (yaw == 0 and pitch == 0 and roll == 0):
        yaw = pitch = None
        notes.append(sentence_of(PhotoReason.ATTITUDE_UNKNOWN))
    is_level = roll is None or abs(roll) <= NADIR_DEGREES
    is_nadir = pitch is not None and abs(pitch + 90) <= NADIR_DEGREES and is_level
    if pitch is not None and not is_nadir:
        notes.append(sentence_of(PhotoReason.NOT_NADIR))
    if yaw is None:
        yaw = number_of(drone, "FlightYawDegree")
        which = PhotoReason.YAW_UNKNOWN if yaw is None else PhotoReason.YAW_OF_FLIGHT
        notes.append(sentence_of(which))
    return Attitude(None if yaw is None else yaw % 360, pitch, is_nadir, tuple(notes))


def altitude_m(gps: StatedGps | None, drone: Drone) -> float | None:
    """Return the stated altitude above the sea in metres, negative below it; None without one.

    Args:
        gps: GPSAltitudeRef 1 means below sea level, whatever the sign of GPSAltitude.
        drone: AbsoluteAltitude, which counts where the EXIF states none.
    """
    top, bottom = gps.altitude[0] if gps is not None and gps.altitude else (0, 0)
    if gps is None or not bottom:
        return number_of(drone, "AbsoluteAltitude")
    metres = top / bottom
    return -abs(metres) if gps.altitude_ref == 1 else metres


def ground_view(
    facts: PhotoFacts, place: Place | None, *, allowance: float = TERRAIN_ALLOWANCE
) -> GroundView:
    """Return sizes on the ground and the outline of a photo, or why there are none.

    Args:
        facts: What its file states.
        place: Where it was taken; None where that is unknown.
        allowance: Share by which the height over the ground may differ from the one stated.
    """
    attitude = attitude_of(facts.drone)
    height = number_of(facts.drone, "RelativeAltitude")
    reasons = [] if facts.drone else [sentence_of(PhotoReason.HEIGHT_UNKNOWN)]
    distance: float | None = None
    if facts.drone:
        result = _sample_distance(facts, height)
        if isinstance(result, Sentence):
            reasons.append(result)
        else:
            distance = result
    footprint: Ring | None = None
    if distance is not None and attitude.is_nadir and attitude.yaw is not None and place:
        if abs(place.latitude) > _CLOSEST_TO_POLE:
            reasons.append(sentence_of(PhotoReason.NEAR_POLE))
        else:
            size = (facts.width * distance, facts.height * distance)
            footprint = _ring(place, attitude.yaw, *size)
    off_by = None if distance is None else distance * allowance
    return GroundView(height, distance, off_by, footprint, attitude, tuple(reasons))


def _sample_distance(facts: PhotoFacts, height: float | None) -> float | Sentence:
    """Return height times sensor width over focal length and picture width, or what is missing."""
    if height is None:
        return sentence_of(PhotoReason.HEIGHT_UNKNOWN)
    if height < LOWEST_HEIGHT_M:
        return sentence_of(PhotoReason.HEIGHT_TOO_LOW, {"metres": height})
    ratio = _sensor_over_focal(facts)
    return ratio if isinstance(ratio, Sentence) else height * ratio / facts.width


def _sensor_over_focal(facts: PhotoFacts) -> float | Sentence:
    """Return the sensor's width over the focal length, both in millimetres.

    It comes from the focal length on 36 mm film, which holds for the whole sensor's diagonal and
    survives a change of size. The resolution of the focal plane does not: programs that make a
    photo smaller write the new width and keep the old resolution, which gives a sensor of a third
    of its width (all ten photos of the shared Canon S100 and Sequoia flights). It only contradicts.
    """
    camera = facts.camera
    width, height = facts.width, facts.height
    zoom = _value(camera.zoom)
    if zoom is not None and zoom > 1:
        return sentence_of(PhotoReason.ZOOMED)
    if not camera.focal_length_35mm or not width or not height:
        return sentence_of(PhotoReason.LENS_UNKNOWN)
    if camera.width and camera.height:
        before, now = camera.width / camera.height, width / height
        if abs(before / now - 1) > _SAME_ASPECT:
            return sentence_of(PhotoReason.CROPPED)
    share = _width_share(width / height)
    if share is None:
        return sentence_of(PhotoReason.CROPPED)
    ratio = _FILM_DIAGONAL_MM / camera.focal_length_35mm * share
    plane = _of_focal_plane(camera)
    if plane is not None and abs(plane / ratio - 1) > _LENS_TOLERANCE:
        return sentence_of(PhotoReason.CROPPED)
    return ratio


def _width_share(aspect: float) -> float | None:
    """Return the picture's width over the sensor's diagonal; None for a shape no sensor has.

    Wider pictures are cut from the height of a 4:3 or 3:2 sensor: the mean of both, 2 % off.
    """
    for whole, share in _FRAME_SHARES.items():
        if abs(aspect / whole - 1) <= _SAME_ASPECT:
            return share
    if max(_FRAME_SHARES) < aspect <= _WIDEST_ASPECT:
        return sum(_FRAME_SHARES.values()) / len(_FRAME_SHARES)
    return None


def _of_focal_plane(camera: StatedCamera) -> float | None:
    millimetres = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}.get(camera.plane_unit)
    resolution, focal = _value(camera.plane_resolution), _value(camera.focal_length)
    if not (millimetres and resolution and focal and camera.width):
        return None
    return camera.width / resolution * millimetres / focal


def _value(fractions: Fractions) -> float | None:
    top, bottom = fractions[0] if fractions else (0, 0)
    return top / bottom if bottom else None


def _ring(place: Place, yaw: float, width_m: float, height_m: float) -> Ring:
    """Return the corners from the top left on, counter-clockwise, and the first one again.

    Metres become degrees by the radii of curvature of WGS-84 at the place.
    """
    turn, latitude = math.radians(yaw), math.radians(place.latitude)
    bend = 1 - _ECCENTRICITY_2 * math.sin(latitude) ** 2
    meridian = _EQUATOR_M * (1 - _ECCENTRICITY_2) / bend**1.5
    parallel = _EQUATOR_M / math.sqrt(bend) * math.cos(latitude)
    corners = []
    for right, up in ((-1, 1), (-1, -1), (1, -1), (1, 1), (-1, 1)):
        x, y = right * width_m / 2, up * height_m / 2
        east = x * math.cos(turn) + y * math.sin(turn)
        north = y * math.cos(turn) - x * math.sin(turn)
        corners.append(
            (
                place.longitude + math.degrees(east / parallel),
                place.latitude + math.degrees(north / meridian),
            )
        )
    return tuple(corners)
