"""One band of a multispectral capture: its metadata and its mean reflectance, in the sandbox."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableImage
from core.imaging.decode import decode
from core.imaging.functions import Arguments, Output
from domains.crops.photos.directories import Directory, TagValue, read_directories
from domains.crops.photos.xmp import Properties, read_properties
from domains.crops.survey.bands import band_at, band_called
from domains.crops.survey.reflectance import (
    BandCalibration,
    PolynomialVignette,
    RadialVignette,
    factor_by_light_sensor,
    mean_reflectance,
    radiance,
)

READ, READ_PANEL = f"{__name__}:read_band", f"{__name__}:read_panel"

MOST_SPREAD = 0.05
"""Largest standard deviation over a panel, of its mean."""

_CAMERA = (
    "{http://pix4d.com/camera/1.0/}",
    "{http://pix4d.com/camera/1.0}",
    "{http://pix4d.com/1.0}",
)
_MICASENSE, _DLS = "{http://micasense.com/MicaSense/1.0/}", "{http://micasense.com/DLS/1.0/}"
_MAKE, _MODEL, _BLACK_LEVEL = 271, 272, 50714
_EXPOSURE, _ISO, _ISO_SPEED = 33434, 34855, 34867
_NOTHING = TagValue(7, b"", "<")
_PARROT_SHIFT = 64.0  # its black current is of 10 bits, its files of 16


@dataclass(frozen=True, slots=True)
class BandFile:
    """What one file of a capture is.

    Attributes:
        make: Maker of the camera.
        model: Its model.
        capture: What the files of one capture share; empty where the file names none.
        band: The band, by its name and wavelength; empty where these say none or two.
        stated: What the file says of its band, for a reason.
        calibration: None where a figure is missing that it needs.
        irradiance: Of the light sensor, W / (m2 nm); None where there is none.
        missing: What is missing for a calibration; empty where nothing is.
    """

    make: str
    model: str
    capture: str
    band: str
    stated: str
    calibration: BandCalibration | None
    irradiance: float | None
    missing: str = ""


def read_band(data: bytes, arguments: Arguments) -> Output:
    """Return a band's place in its capture and its mean reflectance, or why there is none.

    Args:
        data: The whole file.
        arguments: ``max_pixels``; ``factors``, from radiance to reflectance by band, of a panel.
    """
    found = describe_band(data)
    factor, missing = _factor(found, arguments["factors"])
    record = _record(found, missing)
    if missing or factor is None or found.calibration is None:
        return Output({}, record)
    made = radiance(_raw(data, arguments), found.calibration)
    mean = mean_reflectance(made, factor)
    record["mean"] = mean.mean if math.isfinite(mean.mean) else None
    return Output({}, {**record, "clipped": mean.clipped})


def read_panel(data: bytes, arguments: Arguments) -> Output:
    """Return the mean radiance of a panel that fills the middle of a picture.

    Args:
        data: The whole file.
        arguments: ``max_pixels``.
    """
    found = describe_band(data)
    record = _record(found, found.missing)
    if found.missing or found.calibration is None:
        return Output({}, record)
    made = radiance(_raw(data, arguments), found.calibration)
    height, width = made.shape
    middle = made[2 * height // 5 : 3 * height // 5, 2 * width // 5 : 3 * width // 5]
    mean, spread = float(middle.mean()), float(middle.std())
    if not mean > 0 or spread > MOST_SPREAD * mean:
        record["refused"] = (
            f"The middle of the picture is no panel: its values differ by {spread:.3g} around a "
            f"mean of {mean:.3g}; expected {MOST_SPREAD:.0%} at most."
        )
        return Output({}, record)
    return Output({}, {**record, "mean": mean, "clipped": 0.0})


def _record(found: BandFile, missing: str) -> dict[str, Any]:
    return {
        "make": found.make,
        "model": found.model,
        "capture": found.capture,
        "band": found.band,
        "stated": found.stated,
        "refused": missing,
        "mean": None,
        "clipped": None,
    }


def _factor(found: BandFile, factors: Mapping[str, float]) -> tuple[float | None, str]:
    if found.missing:
        return None, found.missing
    if factors:
        missing = "" if found.band in factors else f"The panel has no {found.band} band."
        return factors.get(found.band), missing
    if found.irradiance is None:
        return None, (
            f"The {found.make} {found.model} states no radiometric calibration with a light "
            "sensor, and no panel was given: its values are no reflectances."
        )
    return factor_by_light_sensor(found.irradiance), ""


def _raw(data: bytes, arguments: Arguments) -> NDArray[np.uint16]:
    pixels = decode(data, arguments["max_pixels"], 0).pixels
    if pixels.dtype != np.uint16 or pixels.shape[2] != 1:
        raise UnreadableImage(
            "It holds no single band of 16 bits.", hint="Send the bands as the camera wrote them."
        )
    return np.asarray(pixels[:, :, 0], np.uint16)


def describe_band(data: bytes) -> BandFile:
    """Return what the metadata of a file say of its band.

    Raises:
        UnreadableImage: It is no TIFF.
    """
    try:
        directories = read_directories(data)
    except ValueError as exc:
        raise UnreadableImage(
            "It is no TIFF.", hint="Send the bands as the camera wrote them."
        ) from exc
    properties, _ = read_properties(directories.packets)
    image, exif = directories.image, directories.exif
    make, model = (image.get(tag, _NOTHING).text() for tag in (_MAKE, _MODEL))
    band, stated = _band(properties)
    calibration, missing = _calibration(image, exif, properties, make)
    irradiance = _irradiance(properties) if calibration and calibration.radiometric else None
    if not band:
        missing = f"Its metadata do not say which band it is: {stated or 'nothing'}."
    capture = _text(properties, (f"{_MICASENSE}CaptureId", *_of_camera("CaptureUUID")))
    return BandFile(make, model, capture, band, stated, calibration, irradiance, missing)


def _band(properties: Properties) -> tuple[str, str]:
    """Return the band by which name and wavelength agree, and what they are."""
    name = _text(properties, _of_camera("BandName"))
    wavelengths = _numbers(properties, _of_camera("CentralWavelength"))
    stated = " ".join([name, *(f"{one:g} nm" for one in wavelengths)]).strip()
    by_name = band_called(name)
    by_wavelength = band_at(wavelengths[0]) if len(wavelengths) == 1 else ""
    is_agreed = by_name == by_wavelength or not (by_name and wavelengths)
    return (by_name or by_wavelength) if is_agreed else "", stated


def _calibration(
    image: Directory, exif: Directory, properties: Properties, make: str
) -> tuple[BandCalibration | None, str]:
    black = _black(image, properties, make)
    exposure = _first(exif.get(_EXPOSURE, _NOTHING))
    iso = _first(exif.get(_ISO_SPEED, _NOTHING)) or _first(exif.get(_ISO, _NOTHING))
    for name, value in {"black level": black, "exposure time": exposure, "ISO speed": iso}.items():
        if value is None or value <= 0:
            return None, f"Its metadata state no {name}."
    assert black is not None
    assert exposure is not None
    assert iso is not None
    figures = _numbers(properties, (f"{_MICASENSE}RadiometricCalibration",))
    radiometric = (figures[0], figures[1], figures[2]) if len(figures) == 3 else None
    if make.casefold() == "dji":
        radiometric = None
    return BandCalibration(black, exposure, iso / 100, _vignette(properties, make), radiometric), ""


def _black(image: Directory, properties: Properties, make: str) -> float | None:
    levels = _values(image.get(_BLACK_LEVEL, _NOTHING))
    if levels:
        return sum(levels) / len(levels)
    currents = _numbers(properties, _of_camera("BlackCurrent"))
    shift = _PARROT_SHIFT if make.casefold() == "parrot" else 1.0
    return shift * currents[0] if currents else None


def _vignette(properties: Properties, make: str) -> RadialVignette | PolynomialVignette | None:
    center = _numbers(properties, _of_camera("VignettingCenter"))
    radial = _numbers(properties, _of_camera("VignettingPolynomial"))
    if len(center) == 2 and radial:
        # Sentera states the highest power first.
        ordered = radial[::-1] if make.casefold() == "sentera" else radial
        is_dji = make.casefold() == "dji"
        return RadialVignette((center[0], center[1]), ordered, is_multiplied=is_dji)
    powers = _numbers(properties, _of_camera("VignettingPolynomial2DName"))
    terms = _numbers(properties, _of_camera("VignettingPolynomial2D"))
    if terms and len(powers) == 2 * len(terms):
        pairs = tuple((int(x), int(y)) for x, y in zip(powers[::2], powers[1::2], strict=True))
        return PolynomialVignette(pairs, terms)
    return None


def _irradiance(properties: Properties) -> float | None:
    stated = _numbers(properties, (f"{_DLS}SpectralIrradiance", *_of_camera("Irradiance")))
    return stated[0] if stated else None


def _of_camera(name: str) -> tuple[str, ...]:
    return tuple(f"{space}{name}" for space in _CAMERA)


def _stated(properties: Properties, names: tuple[str, ...]) -> Iterator[str]:
    """Yield the parts of the first property that is there; none where it contradicts itself."""
    for name in names:
        values = properties.get(name, [])
        if values:
            if len(values) == 1:
                yield from values[0]
            return


def _text(properties: Properties, names: tuple[str, ...]) -> str:
    return " ".join(_stated(properties, names)).strip()


def _numbers(properties: Properties, names: tuple[str, ...]) -> tuple[float, ...]:
    """Return the numbers of a property, an array or parted by commas; none where one is none."""
    parts = ",".join(_stated(properties, names)).split(",")
    try:
        numbers = tuple(float(part) for part in parts)
    except ValueError:
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def _values(tag: TagValue) -> list[float]:
    fractions = [top / bottom for top, bottom in tag.rationals() if bottom]
    return fractions or [float(number) for number in tag.whole()]


def _first(tag: TagValue) -> float | None:
    return next(iter(_values(tag)), None)
