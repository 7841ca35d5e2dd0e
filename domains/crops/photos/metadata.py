"""From a file's bytes to what it states; runs in the sandbox."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from domains.crops.photos.containers import Blocks, find_blocks
from domains.crops.photos.directories import Directories, Directory, TagValue, read_directories
from domains.crops.photos.facts import Fractions, PhotoFacts, StatedCamera, StatedGps
from domains.crops.photos.xmp import DJI, PIX4D_CAMERA, Properties, read_properties

_DRONE = (
    "GpsLatitude", "GpsLongitude", "GpsLongtitude", "Latitude", "Longitude", "GpsStatus",
    "RtkStdLat", "RtkStdLon", "AbsoluteAltitude", "RelativeAltitude", "GimbalYawDegree",
    "GimbalPitchDegree", "GimbalRollDegree", "FlightYawDegree", "CalibratedFocalLength",
)  # fmt: skip
_NOTHING = TagValue(7, b"", "<")


def read_facts(data: bytes) -> PhotoFacts:
    """Return what a file states about its place, camera and time; damaged parts are counted.

    Args:
        data: The whole file, untrusted.
    """
    refused = 0
    blocks, directories = Blocks(), Directories({}, {}, None, ())
    try:
        blocks = find_blocks(data)
    except (ValueError, OSError, struct.error, IndexError, SyntaxError, RuntimeError):
        refused += 1
    if blocks.exif:
        try:
            directories = read_directories(blocks.exif)
        except (ValueError, struct.error):
            refused += 1
    properties, unread = read_properties((*blocks.packets, *directories.packets))
    return PhotoFacts(
        gps=None if directories.gps is None else _gps(directories.gps),
        camera=_camera(directories),
        drone=_drone(properties),
        accuracy=_first(properties, (f"{space}GPSXYAccuracy" for space in PIX4D_CAMERA)),
        refused=refused + unread,
    )


def _gps(gps: Directory) -> StatedGps:
    reference = gps.get(5, _NOTHING)
    return StatedGps(
        version=tuple(gps.get(0, _NOTHING).raw[:4]),
        status=_text(gps, 9),
        datum=_text(gps, 18),
        latitude_ref=_text(gps, 1),
        longitude_ref=_text(gps, 3),
        latitude=_fractions(gps, 2),
        longitude=_fractions(gps, 4),
        altitude_ref=reference.raw[0] if reference.raw else None,
        altitude=_fractions(gps, 6),
        error=_fractions(gps, 31),
        time=_fractions(gps, 7),
        date=_text(gps, 29),
        entries=len(gps),
    )


def _camera(directories: Directories) -> StatedCamera:
    image, exif = directories.image, directories.exif
    return StatedCamera(
        make=_text(image, 271),
        model=_text(image, 272),
        width=_whole(exif, 40962),
        height=_whole(exif, 40963),
        focal_length=_fractions(exif, 37386),
        focal_length_35mm=_whole(exif, 41989),
        plane_resolution=_fractions(exif, 41486),
        plane_unit=_whole(exif, 41488),
        zoom=_fractions(exif, 41988),
        taken=_text(exif, 36867) or _text(exif, 36868),
        subsecond=_text(exif, 37521),
        offset_original=_text(exif, 36881),
        offset=_text(exif, 36880),
    )


def _drone(properties: Properties) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(values[0] for values in properties[f"{DJI}{name}"] if values)
        for name in _DRONE
        if f"{DJI}{name}" in properties
    }


def _first(properties: Properties, names: Iterable[str]) -> str:
    stated = (values[0] for name in names for values in properties.get(name, ()) if values)
    return next(stated, "")


def _text(directory: Directory, tag: int) -> str:
    return directory.get(tag, _NOTHING).text()


def _whole(directory: Directory, tag: int) -> int:
    return next(iter(directory.get(tag, _NOTHING).whole()), 0)


def _fractions(directory: Directory, tag: int) -> Fractions:
    return directory.get(tag, _NOTHING).rationals()
