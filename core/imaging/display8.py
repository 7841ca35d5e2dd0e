"""Pictures as a person looks at them: in colour, in their own shape, at every pixel they have."""

from __future__ import annotations

import cv2
import numpy as np

from core.errors import UnreadableImage
from core.imaging.depth import scale_depth
from core.imaging.display16 import fit_size
from core.imaging.functions import Arguments, Output
from core.imaging.overlay import restore_shape
from core.imaging.square import shows_as_rgb, to_8_bit, to_rgb
from core.packs import DomainPack, load
from core.types import U8, Frame

READ = f"{__name__}:read_colours"
COLOURS = "colours"
FALSE_COLOURS_SIDE = 2048
"""Longest side of bands that a pack turns into colours by making its square."""


def read_colours(data: bytes, arguments: Arguments) -> Output:
    """Return a picture in red, green and blue, by the reader of the pack ``entry``.

    Args:
        data: The whole file.
        arguments: ``entry``, ``max_pixels``, ``depths`` and ``size``, the longest side in pixels.
    """
    pack, size = load(arguments["entry"]), arguments["size"]
    frame = scale_depth(pack.read(data, arguments["max_pixels"], size), arguments["depths"])
    return Output({COLOURS: colours(pack, frame, size)})


def colours_in(output: Output) -> U8:
    """Return the colours that ``read_colours`` gave, uint8 ``h w 3``.

    Raises:
        UnreadableImage: The process gave something else.
    """
    found = output.arrays.get(COLOURS)
    if found is None or found.ndim != 3 or found.shape[2] != 3 or found.dtype != np.uint8:
        raise UnreadableImage("Reading the picture gave no colours.", hint="Try it again.")
    return np.asarray(found)


def outbox_bytes(size: int) -> int:
    """Return the bytes that the colours of a picture take at the most."""
    return 3 * size * size


def colours(pack: DomainPack, frame: Frame, size: int) -> U8:
    """Return a picture's colours, uint8 ``h w 3``, shrunk where a side is longer than ``size``.

    Bands that are neither grey nor red, green and blue are shown as the pack makes its square of
    them, back in their own shape.
    """
    if not shows_as_rgb(frame):
        prepared = pack.prepare(frame, min(size, FALSE_COLOURS_SIDE))
        return restore_shape(prepared.pixels, prepared.source_size)
    height, width = fit_size(frame.source_size, size)
    pixels = to_8_bit(frame.pixels, frame.bit_depth)
    if pixels.shape[:2] != (height, width):
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    return np.ascontiguousarray(to_rgb(pixels))
