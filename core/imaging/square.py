"""Any picture as the network's square, all of it in view, with the figures of its quality."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableImage
from core.types import U8, Finding, Frame, Prepared, Reason

DARK, BRIGHT = 2, 253
SMALLEST_SOURCE = 32
FLATTEST_CONTRAST = 1.0
MOST_CLIPPED = 0.995
SHAPE = ("aspect ratio", "size")  # measures of the source, not of what can be seen in it
FRAMING_SHRINK = 4


def prepare(frame: Frame, size: int) -> Prepared:
    """Return a picture shrunk to the network's square, with its quality measured.

    The picture is stretched, so that no edge is cut off; the shape that it had is kept as a
    measure. Whole-number reductions average their pixels, the rest (below 2) is bilinear: as
    good to the network as averaging all the way, at a sixth of the cost.

    Args:
        frame: Grey or RGB of any depth.
        size: Side in pixels of the square.

    Returns:
        RGB pixels; findings where no picture can look like this, whatever it shows (too small,
        blank, all black or white); the measures, named by the words that a reviewer sees.

    Raises:
        UnreadableImage: It is neither grey nor RGB of whole numbers.
    """
    _refuse_other_bands(frame)
    pixels = to_8_bit(_resized(frame.pixels, size), frame.bit_depth)
    measures = _measures(_to_grey(pixels), frame.source_size)
    return Prepared(
        pixels=to_rgb(pixels),
        sha256=frame.sha256,
        source_size=frame.source_size,
        findings=(*frame.findings, *_findings(measures, frame.source_size)),
        measures=measures,
        meta=frame.meta,
        stated=frame.stated,
        group=frame.group,
    )


def shows_as_rgb(frame: Frame) -> bool:
    """Return whether a picture is grey or red, green and blue, of whole numbers."""
    return frame.bands in (("grey",), ("red", "green", "blue")) and frame.bit_depth <= 16


def _refuse_other_bands(frame: Frame) -> None:
    if not shows_as_rgb(frame):
        raise UnreadableImage(
            f"The picture has the bands {', '.join(frame.bands)} of {frame.pixels.dtype}; "
            "expected grey, or red, green and blue, of whole numbers.",
            hint="Choose a pack that makes the network's square out of these bands.",
        )


def _resized(pixels: NDArray[Any], size: int) -> NDArray[Any]:
    height, width = pixels.shape[:2]
    by_y, by_x = max(1, height // size), max(1, width // size)
    if by_y > 1 or by_x > 1:
        whole = (width // by_x, height // by_y)
        pixels = np.asarray(cv2.resize(pixels, whole, interpolation=cv2.INTER_AREA))
    return np.asarray(cv2.resize(pixels, (size, size), interpolation=cv2.INTER_LINEAR))


def to_8_bit(pixels: NDArray[Any], bit_depth: int) -> U8:
    """Return whole numbers of any depth scaled to 8 bits."""
    if bit_depth == 8 and pixels.dtype == np.uint8:
        return pixels
    return np.asarray(cv2.convertScaleAbs(pixels, alpha=255 / (2**bit_depth - 1)))


def to_rgb(pixels: U8) -> U8:
    """Return ``h w`` as ``h w 3``; ``h w 3`` as it is."""
    if pixels.ndim == 3:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB))


def _to_grey(pixels: U8) -> U8:
    if pixels.ndim == 2:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))


def _measures(grey: U8, source_size: tuple[int, int]) -> dict[str, float]:
    brightness, contrast = _mean_and_deviation(grey)
    edges = cv2.norm(cv2.Laplacian(grey, cv2.CV_16S), cv2.NORM_L2SQR) / grey.size
    centre_x, centre_y = _centre_of_detail(grey)
    height, width = source_size
    return {
        "sharpness": math.log1p(edges),
        "brightness": brightness,
        "contrast": contrast,
        "clipped dark": cv2.countNonZero(cv2.compare(grey, DARK, cv2.CMP_LE)) / grey.size,
        "clipped bright": cv2.countNonZero(cv2.compare(grey, BRIGHT, cv2.CMP_GE)) / grey.size,
        "centre x": centre_x,
        "centre y": centre_y,
        "aspect ratio": math.log(width / height),
        "size": math.log(min(height, width)),
    }


def _mean_and_deviation(values: NDArray[Any]) -> tuple[float, float]:
    mean, deviation = cv2.meanStdDev(values)
    return float(mean[0, 0]), float(deviation[0, 0])


def _centre_of_detail(grey: U8) -> tuple[float, float]:
    """Return the centroid of the gradient's strength, x and y from 0 to 1; the middle when flat."""
    side = max(8, grey.shape[0] // FRAMING_SHRINK)
    small = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
    along_x, along_y = cv2.spatialGradient(small)
    strength = np.abs(along_x) + np.abs(along_y)
    columns = strength.sum(axis=0, dtype=np.int64)
    total = float(columns.sum())
    if total == 0.0:
        return 0.5, 0.5
    places = (np.arange(side) + 0.5) / side
    x = float(columns @ places) / total
    y = float(strength.sum(axis=1, dtype=np.int64) @ places) / total
    return x, y


def _findings(measures: dict[str, float], source_size: tuple[int, int]) -> tuple[Finding, ...]:
    """Return what no picture can look like, whatever it shows."""
    clipped = measures["clipped dark"] + measures["clipped bright"]
    height, width = source_size
    details = []
    if min(source_size) < SMALLEST_SOURCE:
        details.append(
            f"size: expected at least {SMALLEST_SOURCE} pixels a side, got {width} x {height}."
        )
    if measures["contrast"] < FLATTEST_CONTRAST:
        details.append(
            f"blank: expected a contrast of at least {FLATTEST_CONTRAST:g} grey levels, "
            f"got {measures['contrast']:.2f}."
        )
    if clipped >= MOST_CLIPPED:
        details.append(
            f"exposure: expected less than {MOST_CLIPPED:.1%} of the pixels fully dark or "
            f"bright, got {clipped:.1%}."
        )
    return tuple(Finding(Reason.POOR_QUALITY, detail) for detail in details)
