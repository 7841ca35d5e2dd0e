"""A picture with a heat map laid over it, in the shape that the original had."""

from __future__ import annotations

from typing import TypeVar, cast

import cv2
import numpy as np

from core.types import F32, U8

Pixels = TypeVar("Pixels", U8, F32)

WARM = np.array([255, 96, 0], np.float32)
COLD = np.array([40, 120, 255], np.float32)
FAINTEST = 0.2
DENSEST_WARM, DENSEST_COLD = 0.62, 0.3
FULL_PERCENTILE = 99.5


def restore_shape(pixels: Pixels, source_size: tuple[int, int]) -> Pixels:
    """Return what was stretched to a square the shape of its original.

    Args:
        pixels: ``s s`` or ``s s 3``.
        source_size: Height and width of the original in pixels.

    Returns:
        The same kind of array, ``h w`` first, its longer side ``s``.
    """
    side = pixels.shape[0]
    height, width = source_size
    scale = side / max(height, width)
    shape = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cast("Pixels", cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA))


def strength(heat: F32) -> F32:
    """Return a signed heat map scaled to -1 to 1, so that little shows as nothing.

    The strongest half per cent of the picture's own positions shows in full: the map says where a
    picture's score comes from, not how large it is, which is what the probability is for.

    Args:
        heat: float32 ``h w``; above 0 raises the positive probability, below lowers it.
    """
    full = max(float(np.percentile(np.abs(heat), FULL_PERCENTILE)), 1e-12)
    scaled = np.clip(heat / full, -1.0, 1.0)
    beyond = np.maximum(np.abs(scaled) - FAINTEST, 0.0) / (1.0 - FAINTEST)
    return np.asarray(np.sign(scaled) * beyond, np.float32)


def overlay_heat(picture: U8, strengths: F32) -> U8:
    """Return the picture with warm colour where it raises the positive probability, cold where not.

    Args:
        picture: uint8 ``h w 3``, RGB.
        strengths: float32 ``h w`` from -1 to 1; the opacity grows with its size.
    """
    warm = strengths > 0.0
    colour = np.where(warm[..., None], WARM, COLD)
    opacity = (np.where(warm, DENSEST_WARM, DENSEST_COLD) * np.abs(strengths))[..., None]
    return np.asarray(picture * (1.0 - opacity) + colour * opacity + 0.5).astype(np.uint8)
