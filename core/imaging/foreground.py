"""Which pixels of a picture are foreground: coloured ones, before paper, a board, sky or shadow."""

from __future__ import annotations

import cv2
import numpy as np

from core.types import U8

SATURATION, BRIGHTNESS = 45, 30  # of 255; below: grey, white or black
GREENNESS = 0.05  # excess green, (2 g - r - b) / (r + g + b): Woebbecke et al., Trans. ASAE 1995
OPENED, CLOSED = 3, 9  # pixels; specks go, spots and holes inside stay
LEAST = 0.05
GREY = 128


def find_foreground(pixels: U8) -> U8:
    """Return 1 where a pixel is foreground and 0 elsewhere, uint8 ``h w``.

    Coloured, and of no colour that sky and cloth have (blue is not its largest part), or green;
    what this leaves over by less than ``LEAST`` of the picture is no background: all is 1 then.
    ``core.model.network.foreground`` repeats it inside networks.

    Args:
        pixels: uint8 ``h w 3``, RGB.
    """
    red, green, blue = (pixels[:, :, i].astype(np.int16) for i in range(3))
    most, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    coloured = 255 * (most - least).astype(np.int32) >= SATURATION * most.astype(np.int32)
    coloured &= (most >= BRIGHTNESS) & (blue < most)
    is_green = 2 * green - red - blue > GREENNESS * (red + green + blue)
    found = (coloured | is_green).astype(np.uint8)
    found = _morph(found, cv2.MORPH_OPEN, OPENED)
    found = _morph(found, cv2.MORPH_CLOSE, CLOSED)
    return found if found.mean() >= LEAST else np.ones_like(found)


def paint_background(pixels: U8) -> U8:
    """Return a picture, uint8 ``h w 3``, with its background painted grey."""
    kept = find_foreground(pixels)[:, :, None] > 0
    return np.where(kept, pixels, np.uint8(GREY))


def _morph(mask: U8, kind: int, side: int) -> U8:
    return np.asarray(cv2.morphologyEx(mask, kind, np.ones((side, side), np.uint8)), np.uint8)
