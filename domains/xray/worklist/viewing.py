"""Radiographs as a person looks at them: whole, in their own shape, with all their grey levels.

Decoder processes hand back three channels of 8 bits. A viewer needs one of 16: its upper and lower
byte travel in the first two.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Frame, Prepared
from domains.xray import pack

_FULL = 2**16 - 1


def whole(frame: Frame, size: int) -> Prepared:
    """Lay a radiograph into the upper left corner of a square, shrunk where it does not fit.

    Args:
        frame: Grey or RGB of any depth.
        size: Side in pixels of the square.

    Returns:
        Upper byte, lower byte and nothing; of the shape ``core.imaging.square`` would keep, 0
        outside.
    """
    height, width = fitted(frame.source_size, size)
    grey = _grey(frame.pixels).astype(np.float32) * (_FULL / (2**frame.bit_depth - 1))
    shrunk = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    levels = np.rint(np.clip(shrunk, 0, _FULL)).astype(np.uint16)
    pixels = np.zeros((size, size, 3), np.uint8)
    pixels[:height, :width, 0] = levels >> 8
    pixels[:height, :width, 1] = levels & 0xFF
    return Prepared(pixels=pixels, sha256=frame.sha256, source_size=frame.source_size)


def levels_of(prepared: Prepared) -> NDArray[np.uint16]:
    """Give the grey levels that `whole` laid into two channels, uint16 ``h w``."""
    height, width = fitted(prepared.source_size, prepared.pixels.shape[0])
    both = prepared.pixels[:height, :width].astype(np.uint16)
    return np.asarray((both[:, :, 0] << 8) | both[:, :, 1], np.uint16)


def fitted(source_size: tuple[int, int], size: int) -> tuple[int, int]:
    """Give height and width of a picture that fits a square; it is never enlarged."""
    scale = min(1.0, size / max(source_size))
    return max(1, round(source_size[0] * scale)), max(1, round(source_size[1] * scale))


def _grey(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels[:, :, 0] if pixels.shape[2] == 1 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)


viewer = replace(pack, prepare=whole)
"""The pack for decoder processes that make pictures to look at."""
