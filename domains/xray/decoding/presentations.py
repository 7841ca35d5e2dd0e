"""Ways in which a right radiograph is shown wrongly, each made out of a right one.

All take and give uint8 ``h w 3`` squares of the same side. A lateral view cannot be made so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from core.types import U8

_FIELD = 0.55  # of the side that strong collimation leaves open

Way = Callable[[U8], U8]


def rotated_90(pixels: U8) -> U8:
    """Return it turned a quarter clockwise."""
    return np.ascontiguousarray(np.rot90(pixels, -1))


def rotated_180(pixels: U8) -> U8:
    """Return it turned by half."""
    return np.ascontiguousarray(pixels[::-1, ::-1])


def rotated_270(pixels: U8) -> U8:
    """Return it turned a quarter anticlockwise."""
    return np.ascontiguousarray(np.rot90(pixels))


def inverted(pixels: U8) -> U8:
    """Return its negative: bones dark."""
    return np.subtract(255, pixels, dtype=np.uint8)


def mirrored(pixels: U8) -> U8:
    """Return it with left and right swapped, as if the heart were on the right."""
    return np.ascontiguousarray(pixels[:, ::-1])


def upside_down(pixels: U8) -> U8:
    """Return it with top and bottom swapped."""
    return np.ascontiguousarray(pixels[::-1])


def left_half(pixels: U8) -> U8:
    """Return the left half of the picture, stretched."""
    return _stretched(pixels[:, : pixels.shape[1] // 2], pixels)


def right_half(pixels: U8) -> U8:
    """Return the right half of the picture, stretched."""
    return _stretched(pixels[:, pixels.shape[1] // 2 :], pixels)


def upper_half(pixels: U8) -> U8:
    """Return the upper half of the picture, stretched."""
    return _stretched(pixels[: pixels.shape[0] // 2], pixels)


def lower_half(pixels: U8) -> U8:
    """Return the lower half of the picture, stretched."""
    return _stretched(pixels[pixels.shape[0] // 2 :], pixels)


def collimated(pixels: U8) -> U8:
    """Return it black but for the middle, as with a field that was set far too small."""
    height, width = pixels.shape[:2]
    top, left = (round(side * (1 - _FIELD) / 2) for side in (height, width))
    shut = np.zeros_like(pixels)
    shut[top : height - top, left : width - left] = pixels[top : height - top, left : width - left]
    return shut


def _stretched(part: U8, whole: U8) -> U8:
    height, width = whole.shape[:2]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


WRONG_PRESENTATIONS: Mapping[str, Way] = {
    "rotated 90": rotated_90,
    "rotated 180": rotated_180,
    "rotated 270": rotated_270,
    "inverted": inverted,
    "mirrored": mirrored,
    "upside down": upside_down,
    "cropped to the left": left_half,
    "cropped to the right": right_half,
    "cropped to the top": upper_half,
    "cropped to the bottom": lower_half,
    "collimated": collimated,
}
