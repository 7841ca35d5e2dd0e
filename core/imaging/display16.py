"""Pictures as a person looks at them: whole, in their own shape, with all their grey levels."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableImage
from core.imaging.functions import Arguments, Output
from core.packs import load
from core.types import Frame

READ = f"{__name__}:read_levels"
LEVELS = "levels"

_FULL = 2**16 - 1


def read_levels(data: bytes, arguments: Arguments) -> Output:
    """Return a picture's grey levels, by the reader of the pack ``entry``.

    Args:
        data: The whole file.
        arguments: ``entry``, ``max_pixels``, and ``size``, the longest side in pixels.
    """
    frame = load(arguments["entry"]).read(data, arguments["max_pixels"], arguments["size"])
    return Output({LEVELS: levels(frame, arguments["size"])}, {"size": list(frame.source_size)})


def levels_in(output: Output) -> NDArray[np.uint16]:
    """Return the levels that ``read_levels`` gave, uint16 ``h w``.

    Raises:
        UnreadableImage: The process gave something else.
    """
    found = output.arrays.get(LEVELS)
    if found is None or found.ndim != 2 or found.dtype != np.uint16:
        raise UnreadableImage("Reading the picture gave no grey levels.", hint="Try it again.")
    return np.asarray(found)


def size_in(output: Output) -> tuple[int, int]:
    """Return height and width of the original, as ``read_levels`` gave them.

    Raises:
        UnreadableImage: The process gave something else.
    """
    match output.record.get("size"):
        case [int(height), int(width)] if height > 0 and width > 0:
            return height, width
    raise UnreadableImage("Reading the picture gave no size.", hint="Try it again.")


def outbox_bytes(size: int) -> int:
    """Return the bytes that the levels of a picture take at the most."""
    return 2 * size * size


def levels(frame: Frame, size: int) -> NDArray[np.uint16]:
    """Return a picture's grey levels, uint16 ``h w``, shrunk where a side is longer than ``size``.

    Raises:
        UnreadableImage: It has neither one band nor three.
    """
    height, width = fit_size(frame.source_size, size)
    grey = _grey(frame.pixels).astype(np.float32) * (_FULL / (2**frame.bit_depth - 1))
    shrunk = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(np.rint(np.clip(shrunk, 0, _FULL)), np.uint16)


def fit_size(source_size: tuple[int, int], size: int) -> tuple[int, int]:
    """Return height and width of a picture that fits a square; it is never enlarged."""
    scale = min(1.0, size / max(source_size))
    return max(1, round(source_size[0] * scale)), max(1, round(source_size[1] * scale))


def _grey(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.dtype == np.float32 or pixels.shape[2] not in (1, 3):
        raise UnreadableImage(
            f"The picture has {pixels.shape[2]} bands of {pixels.dtype}; expected grey or RGB of "
            "whole numbers.",
            hint="Choose the bands to show in the pack's reader.",
        )
    if pixels.shape[2] == 1:
        return pixels[:, :, 0]
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
