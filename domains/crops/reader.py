"""How photographs of leaves and plants are read: whole, with a look for the colours of a plant."""

from __future__ import annotations

from dataclasses import replace

import cv2

from core.imaging import square
from core.imaging.decode import decode
from core.types import U8, Finding, Frame, Prepared, Reason
from domains.crops.photos.measures import eight_bit_rgb, measure
from domains.crops.photos.quality import faults_of
from domains.crops.photos.reasons import TEXTS, PhotoReason
from domains.crops.tile_file import name_mosaic, tile_in

LEAST_PLANT = 0.02
_SATURATION, _VALUE = 40, 30  # below: grey or black
# OpenCV's hues, 2 degrees each. All but blue and violet: leaves are green, yellow, brown or red.
_PLANT_HUES = ((0, 90), (150, 179))


def read(data: bytes, max_pixels: int, min_side: int) -> Frame:
    """Return a picture as `core.imaging.decode.decode` does, a tile of a mosaic as such.

    A tile is no photo of a leaf: it is not held to what a photo must be.

    Raises:
        UnreadableImage: As there.
    """
    frame = decode(data, max_pixels, min_side)
    place = tile_in(data)
    if place is None:
        return frame
    return replace(frame, tile=place, meta={**frame.meta, "site": name_mosaic(place.parent)})


def prepare(frame: Frame, size: int) -> Prepared:
    """Return a photograph shrunk to the network's square, checked for a plant and measured.

    The shape and the size of the source are no measures here: a phone may send 12 megapixels
    where the training pictures were thumbnails.

    Args:
        frame: RGB, or grey, which no plant is.
        size: Side in pixels of the square.

    Returns:
        RGB pixels; WRONG_INPUT where almost nothing has a colour that a plant can have.
    """
    ready = square.prepare(frame, size)
    measures = {name: x for name, x in ready.measures.items() if name not in square.SHAPE}
    findings = (*ready.findings, *_no_plant(ready.pixels), *_poor_photo(frame))
    return replace(ready, findings=findings, measures=measures)


def _poor_photo(frame: Frame) -> tuple[Finding, ...]:
    """Return why a photo cannot be judged, in words for whoever took it; a tile is no photo."""
    pixels = None if frame.tile is not None else eight_bit_rgb(frame)
    if pixels is None:
        return ()
    return tuple(
        Finding(Reason.POOR_QUALITY, TEXTS[fault], fault.value)
        for fault in faults_of(measure(pixels))
        if fault is not PhotoReason.NO_LEAF  # which _no_plant finds
    )


def _no_plant(pixels: U8) -> tuple[Finding, ...]:
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
    found = sum(
        cv2.countNonZero(cv2.inRange(hsv, (low, _SATURATION, _VALUE), (high, 255, 255)))
        for low, high in _PLANT_HUES
    )
    share = found / (hsv.shape[0] * hsv.shape[1])
    if share >= LEAST_PLANT:
        return ()
    detail = (
        f"no plant: expected green, yellow, brown or red on at least {LEAST_PLANT:.0%} of the "
        f"picture, got {share:.1%}."
    )
    return (Finding(Reason.WRONG_INPUT, detail),)
