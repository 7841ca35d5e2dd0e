"""Whether a camera is the one of the recipe, set as the recipe says; compared at every opening."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from domains.parts.station.ports import CameraIdentity
from domains.parts.station.recipe import CameraOptions

TOLERANCE = 0.01
"""Relative difference of exposure and gain that counts as none: drivers round to their steps."""

_GRID = 8
_COLOURED = 6.0
_FEWEST_CELLS = 4
_LEAST_SHOWN = 0.15
_AGREEING = 0.6  # (4/5 - 1/5): what agrees less what does not

Rgb = UInt8[np.ndarray, "height width 3"]


def differences(identity: CameraIdentity, options: CameraOptions) -> tuple[str, ...]:
    """Return what of a camera is not as the recipe says: a sentence each, with both values.

    What the recipe leaves open is not compared; what it asks for and the camera does not say is a
    difference.
    """
    camera = options.name
    found = [
        f"{camera}: {what} is {_shown(actual)}, the recipe says {expected}."
        for what, actual, expected in (
            ("serial number", identity.serial, options.serial),
            ("width", identity.width, options.width),
            ("height", identity.height, options.height),
            ("pixel format", identity.pixel_format, options.pixel_format),
            ("channel order", identity.channels, "RGB" if options.colour_reference else ""),
        )
        if expected and actual != expected
    ]
    found += [
        f"{camera}: {what} is {_shown(actual)}, the recipe says {expected:g}."
        for what, actual, expected in (
            ("exposure in µs", identity.exposure_us, options.exposure_us),
            ("gain", identity.gain, options.gain),
        )
        if expected is not None and not _is_near(actual, expected)
    ]
    if options.region is not None and not _fits(options.region, identity):
        size = f"{_shown(identity.width)} x {_shown(identity.height)}"
        found.append(
            f"{camera}: the picture has {size} pixels, the recipe's region of interest is "
            f"{list(options.region)} (left, top, width, height)."
        )
    return tuple(found)


def channel_order(pixels: Rgb, reference: Rgb) -> str:
    """Return the order of a picture's colours, `RGB` or `BGR`, or `unknown`.

    Red minus blue is compared with the reference in a grid of 8 x 8 cells, where the reference is
    coloured: exchanged channels turn its sign. The light may be weaker and a grey part may cover
    some of it; the order is proven where the products of both agree in sign by four fifths of
    their weight, and make up at least 15 % of the reference's own square.

    Args:
        pixels: The picture.
        reference: Picture of the empty station, in RGB.
    """
    expected, actual = _red_minus_blue(reference), _red_minus_blue(pixels)
    coloured = np.abs(expected) >= _COLOURED
    products = (expected * actual)[coloured]
    total, weight = float(products.sum()), float(np.abs(products).sum())
    least = _LEAST_SHOWN * float((expected[coloured] ** 2).sum())
    if weight == 0 or abs(total) < max(least, _AGREEING * weight):
        return "unknown"
    return "RGB" if total > 0 else "BGR"


def is_coloured(reference: Rgb) -> bool:
    """Return whether a reference has colour enough to tell exchanged channels."""
    return int((np.abs(_red_minus_blue(reference)) >= _COLOURED).sum()) >= _FEWEST_CELLS


def _red_minus_blue(pixels: Rgb) -> NDArray[np.float32]:
    cells = cv2.resize(pixels, (_GRID, _GRID), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(cells[:, :, 0] - cells[:, :, 2])


def _is_near(actual: float | None, expected: float) -> bool:
    return actual is not None and abs(actual - expected) <= TOLERANCE * abs(expected)


def _fits(region: tuple[int, int, int, int], identity: CameraIdentity) -> bool:
    left, top, width, height = region
    if identity.width is None or identity.height is None:
        return False
    is_inside = left >= 0 and top >= 0 and width > 0 and height > 0
    return is_inside and left + width <= identity.width and top + height <= identity.height


def _shown(value: object) -> str:
    return "not known" if value in (None, "") else f"{value}"
