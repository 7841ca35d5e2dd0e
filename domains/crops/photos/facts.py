"""What a photo's file states, as it states it: the values that come out of the sandbox, checked.

Fractions stay numerator and denominator, texts stay texts: nothing is repaired or rounded here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Pair = tuple[int, int]
Text = Annotated[str, Field(max_length=1000)]
Fractions = Annotated[tuple[Pair, ...], Field(max_length=64)]
Statements = Annotated[tuple[Text, ...], Field(max_length=8)]


class _Stated(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StatedGps(_Stated):
    """The GPS directory of the EXIF (Exif 2.32, 4.6.6).

    Attributes:
        version: GPSVersionID; empty where it is missing.
        status: ``A`` for a measurement, ``V`` for none.
        datum: GPSMapDatum.
        latitude_ref: ``N`` or ``S``.
        longitude_ref: ``E`` or ``W``.
        latitude: Degrees, minutes and seconds; empty where missing or no fractions.
        longitude: The same.
        altitude_ref: 1 below sea level; None where it is missing.
        altitude: Metres.
        error: GPSHPositioningError, metres.
        time: GPSTimeStamp, UTC: hours, minutes, seconds.
        date: GPSDateStamp.
        entries: How many values the directory holds.
    """

    version: tuple[int, ...] = ()
    status: Text = ""
    datum: Text = ""
    latitude_ref: Text = ""
    longitude_ref: Text = ""
    latitude: Fractions = ()
    longitude: Fractions = ()
    altitude_ref: int | None = None
    altitude: Fractions = ()
    error: Fractions = ()
    time: Fractions = ()
    date: Text = ""
    entries: int = 0


class StatedCamera(_Stated):
    """What the EXIF says about camera, lens and time.

    Attributes:
        make: Maker of the camera.
        model: Its model.
        width: PixelXDimension, the width as it was taken; 0 where it is missing.
        height: PixelYDimension.
        focal_length: Millimetres.
        focal_length_35mm: Of the same view on 36 mm film, millimetres; 0 where it is unknown.
        plane_resolution: FocalPlaneXResolution, pixels a unit.
        plane_unit: Its unit: 2 inch, 3 centimetre, 4 millimetre, 5 micrometre.
        zoom: DigitalZoomRatio; 0 where none was used.
        taken: DateTimeOriginal, or DateTimeDigitized where that is missing.
        subsecond: SubSecTimeOriginal.
        offset_original: OffsetTimeOriginal.
        offset: OffsetTime.
    """

    make: Text = ""
    model: Text = ""
    width: int = 0
    height: int = 0
    focal_length: Fractions = ()
    focal_length_35mm: int = 0
    plane_resolution: Fractions = ()
    plane_unit: int = 0
    zoom: Fractions = ()
    taken: Text = ""
    subsecond: Text = ""
    offset_original: Text = ""
    offset: Text = ""


class PhotoFacts(_Stated):
    """All that matters here of what a photo's file states.

    Attributes:
        kind: Format, such as ``JPEG``; empty where it is none that is read.
        width: Of the stored picture in pixels, before it is turned upright.
        height: The same.
        gps: None where there is no GPS directory.
        camera: Camera, lens and time.
        drone: Each property of drone-dji that matters, by name, with every different statement.
        accuracy: Accuracy of the place that the Pix4D camera tags state, metres, as text.
        refused: Packets of XMP and blocks of EXIF that could not be read.
    """

    kind: Text = ""
    width: int = 0
    height: int = 0
    gps: StatedGps | None = None
    camera: StatedCamera = StatedCamera()
    drone: Mapping[Text, Statements] = Field(default_factory=dict, max_length=32)
    accuracy: Text = ""
    refused: int = 0
