"""How a picture looks all in all: brightness, colour, entropy and sharpness, as a few numbers."""

from __future__ import annotations

import math

import cv2
import numpy as np

from core.types import U8

_GREYEST = 0.005
"""Mean saturation in one direction below which a picture has no hue."""
_ANGLES = np.deg2rad(2.0 * np.arange(180))
_SATURATIONS = np.arange(256) / 255.0


def measure_appearance(pixels: U8) -> dict[str, float]:
    """Return what is watched on every picture that is judged; some tenths of a millisecond.

    Args:
        pixels: uint8 ``h w 3``, red, green, blue.

    Returns:
        ``brightness`` and ``contrast`` (mean and standard deviation in grey levels), ``sharpness``
        (log of the mean squared Laplacian), ``entropy`` (bits per pixel of the grey levels),
        ``saturation`` (mean, 0 to 1), and ``hue`` (degrees, 0 to 360, the mean direction weighted
        by saturation); no hue where the picture is grey.
    """
    red, green, blue = cv2.split(pixels)
    is_grey = not (cv2.norm(red, green, cv2.NORM_INF) or cv2.norm(green, blue, cv2.NORM_INF))
    grey = red if is_grey else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    mean, deviation = cv2.meanStdDev(grey)
    edges = cv2.norm(cv2.Laplacian(grey, cv2.CV_16S), cv2.NORM_L2SQR) / grey.size
    share = np.ravel(cv2.calcHist([grey], [0], None, [256], [0, 256])).astype(float) / grey.size
    share = share[share > 0]
    found = {
        "brightness": float(mean[0, 0]),
        "contrast": float(deviation[0, 0]),
        "sharpness": math.log1p(edges),
        "entropy": float(-(share * np.log2(share)).sum()) + 0.0,
    }
    # Most cameras of lines and all X-rays are grey; to count hues takes as long as all the rest.
    return found | ({"saturation": 0.0} if is_grey else _measure_colour(pixels))


def _measure_colour(pixels: U8) -> dict[str, float]:
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)  # hue in steps of two degrees
    counts = cv2.calcHist([hsv], [0, 1], None, [180, 256], [0, 180, 0, 256]).astype(float)
    weight = counts @ _SATURATIONS
    x, y = float(weight @ np.cos(_ANGLES)), float(weight @ np.sin(_ANGLES))
    found = {"saturation": float(weight.sum() / counts.sum())}
    if math.hypot(x, y) > _GREYEST * counts.sum():
        found["hue"] = math.degrees(math.atan2(y, x)) % 360.0
    return found
