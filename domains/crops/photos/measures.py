"""How sharp, how bright and how full of leaf a picture is: pure numbers of its pixels.

Everything is measured on the picture shrunk to 256 pixels, about what a network sees of it: a
blur that is gone by then harms no verdict. A picture that is smaller than what a network sees is
enlarged for it, and loses nothing where that was done by half before.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import F64, U8, Frame

SIDE = 256
_INPUT_SIDE = 224  # A picture below it is enlarged for the network.
_ENLARGED = 1.5
_BLOCK = 32
_FINE, _COARSE = 1.0, 4.0  # deviations in pixels between which detail is coarse
_LEAST_DETAIL = 0.7  # grey levels a pixel; a block with less has nothing to be sharp
_FLOOR = 0.02
_SHARPEST_BLOCKS = 90
_CLIPPED = 250
_WHITEST_COLOUR = 195 / 255  # least over greatest channel; white paper in warm light has more
_SATURATION, _VALUE = 40, 30
# OpenCV's hues, 2 degrees each.
_GREEN_TO_YELLOW, _LEAF_HUES = ((20, 90),), ((0, 90), (150, 179))
_OPENING = np.ones((5, 5), np.uint8)

_F32 = NDArray[np.float32]
_Tensor = tuple[F64, F64, F64]


def measure(pixels: U8) -> dict[str, float]:
    """Return the measures of a picture, by name.

    ``sharpness``: fine over coarse detail in the direction that has least of it, 90th percentile of
    the blocks; ``least sharpness``: the same of the whole picture; ``sharpness ratio``: that of its
    least over its sharpest direction, low where the camera moved; ``bright end`` and ``brightest``:
    95th and 99th percentile of grey; ``clipped``: share with a channel at its end; ``clipped
    colour``: the same among what has a colour, as paper in the light of a lamp has not; ``green``:
    share from yellow to green; ``largest leaf`` and ``second leaf``: shares of the largest areas in
    colours of leaves.

    Args:
        pixels: RGB, uint8 ``h w 3``.
    """
    small = _shrunk(pixels)
    return {**_sharpest(small), **_exposure(small), **_leaves(small)}


def eight_bit_rgb(frame: Frame) -> U8 | None:
    """Return a photo's pixels in 8 bits; None for one band of a camera that has several."""
    pixels = frame.pixels
    if frame.bands == ("grey",) and pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels.repeat(3, axis=2))
    if frame.bands != ("red", "green", "blue"):
        return None
    if pixels.dtype != np.uint8:
        pixels = (pixels.astype(np.float32) * (255 / (2**frame.bit_depth - 1))).astype(np.uint8)
    return np.ascontiguousarray(pixels)


def _shrunk(pixels: U8) -> U8:
    height, width = pixels.shape[:2]
    factor = SIDE / max(height, width)
    if factor >= 1:
        return pixels
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _sharpest(pixels: U8) -> dict[str, float]:
    """Return the sharpness of a picture, shrunk back where it may have been enlarged."""
    own = _sharpness(pixels)
    if max(pixels.shape[:2]) >= _INPUT_SIDE:
        return own
    height, width = (max(1, round(side / _ENLARGED)) for side in pixels.shape[:2])
    shrunk = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return max(own, _sharpness(np.asarray(shrunk)), key=lambda found: found["sharpness"])


def _sharpness(pixels: U8) -> dict[str, float]:
    """Return how the finest detail compares with the next coarser one, direction by direction.

    The tensors of both bands' gradients are compared by their generalised eigenvalues, the least
    and the greatest of the ratios over all directions. A blur takes the finest detail in every
    direction, a movement along one; the contrast of the subject cancels out.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    smooth = cv2.GaussianBlur(grey, (0, 0), _FINE)
    fine = _tensor(np.asarray(grey - smooth))
    coarse = _tensor(np.asarray(smooth - cv2.GaussianBlur(grey, (0, 0), _COARSE)))
    least, _ = _ratios(fine, coarse)
    has_detail = np.sqrt(coarse[0] + coarse[1]) > _LEAST_DETAIL
    blocks = np.sqrt(least[has_detail])
    whole_least, whole_most = _ratios(_summed(fine), _summed(coarse))
    return {
        "sharpness": float(np.percentile(blocks, _SHARPEST_BLOCKS)) if blocks.size else 0.0,
        "least sharpness": float(np.sqrt(whole_least[0])),
        "sharpness ratio": float(np.sqrt(whole_least[0] / max(whole_most[0], 1e-9))),
    }


def _tensor(band: _F32) -> _Tensor:
    """Return the block means of the gradient's products: xx, yy, xy."""
    x = cv2.Sobel(band, cv2.CV_32F, 1, 0, ksize=3) / 8
    y = cv2.Sobel(band, cv2.CV_32F, 0, 1, ksize=3) / 8
    return _block_means(x * x), _block_means(y * y), _block_means(x * y)


def _block_means(values: NDArray[Any]) -> F64:
    height, width = values.shape
    side = min(_BLOCK, height, width)
    whole = values[: height // side * side, : width // side * side].astype(np.float64)
    blocks = whole.reshape(height // side, side, width // side, side)
    return np.asarray(blocks.mean(axis=(1, 3)).ravel())


def _summed(tensor: _Tensor) -> _Tensor:
    xx, yy, xy = (np.array([part.sum()]) for part in tensor)
    return xx, yy, xy


def _ratios(fine: _Tensor, coarse: _Tensor) -> tuple[F64, F64]:
    """Return the least and the greatest generalised eigenvalue of symmetric 2 x 2 tensors."""
    a, b, c = fine
    d, e, f = coarse[0] + _FLOOR, coarse[1] + _FLOOR, coarse[2]
    size = d * e - f * f
    half_trace = (e * a - 2 * f * c + d * b) / size / 2
    spread = np.sqrt(np.maximum(half_trace**2 - (a * b - c * c) / size, 0))
    return np.maximum(half_trace - spread, 0), half_trace + spread


def _exposure(pixels: U8) -> dict[str, float]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    bright_end, brightest = np.percentile(grey, (95, 99))
    clipped = pixels.max(axis=2) >= _CLIPPED
    coloured = pixels.min(axis=2) < _WHITEST_COLOUR * pixels.max(axis=2)
    return {
        "bright end": float(bright_end),
        "brightest": float(brightest),
        "clipped": float(clipped.mean()),
        "clipped colour": float((clipped & coloured).sum() / max(int(coloured.sum()), 1)),
    }


def _leaves(pixels: U8) -> dict[str, float]:
    hsv = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV))
    leaf = cv2.morphologyEx(_coloured(hsv, _LEAF_HUES), cv2.MORPH_OPEN, _OPENING)
    _, _, parts, _ = cv2.connectedComponentsWithStats(leaf, connectivity=8)
    areas = np.sort(parts[1:, cv2.CC_STAT_AREA])[::-1] / leaf.size
    largest = [*areas[:2].tolist(), 0.0, 0.0]
    return {
        "green": cv2.countNonZero(_coloured(hsv, _GREEN_TO_YELLOW)) / leaf.size,
        "largest leaf": float(largest[0]),
        "second leaf": float(largest[1]),
    }


def _coloured(hsv: U8, hues: tuple[tuple[int, int], ...]) -> U8:
    masks = [cv2.inRange(hsv, (low, _SATURATION, _VALUE), (high, 255, 255)) for low, high in hues]
    return np.asarray(np.maximum.reduce(masks))
