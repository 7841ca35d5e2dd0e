"""From what remains of the beam to the grey values that a digital radiograph shows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import F32

WHITE = 4095  # twelve bits


@dataclass(frozen=True)
class Exposure:
    """How the picture is taken and developed.

    Attributes:
        quanta: Quanta that a pixel counts where nothing is in the beam.
        scatter: Scattered for each direct quantum, on average behind the chest.
        contrast: Steepness of the grey curve; 1 is ordinary.
        bright: Moves the grey curve, in shares of its range.
    """

    quanta: float = 20_000.0
    scatter: float = 0.25
    contrast: float = 1.0
    bright: float = 0.0


def count_quanta(
    integrals: F32, exposure: Exposure, pitch_mm: float, rng: np.random.Generator
) -> F32:
    """Return the quanta behind the chest: Beer and Lambert's law, scatter, blur, quantum noise.

    Args:
        integrals: float32 ``h w``, attenuation along each ray.
        exposure: How much is sent.
        pitch_mm: Distance between pixels.
        rng: Draws the noise: its variance equals the mean count, plus the electronics' part.

    Returns:
        float32 ``h w``, quanta for each pixel.
    """
    direct = np.exp(-integrals)
    wide = _blurred(direct, 30 / pitch_mm)
    scattered = _blurred(np.asarray(direct + exposure.scatter * wide, np.float32), 0.15 / pitch_mm)
    mean = exposure.quanta * scattered
    noise = rng.standard_normal(mean.shape, dtype=np.float32)
    return np.asarray(np.maximum(mean + noise * np.sqrt(mean + 4), 1), np.float32)


def develop(quanta: F32, exposure: Exposure, pitch_mm: float) -> NDArray[np.uint16]:
    """Return counts as twelve bits for display: bright where little came through.

    The logarithm, then what every maker does in some way: the range found from the picture,
    large shadows weakened against small ones, and a grey curve with a toe and a shoulder.

    Args:
        quanta: float32 ``h w``.
        exposure: Its ``quanta``, ``contrast`` and ``bright``.
        pitch_mm: Distance between pixels.

    Returns:
        uint16 ``h w`` from 0 to ``WHITE``.
    """
    density = np.log(exposure.quanta / quanta)
    inner = density[tuple(slice(n // 10, -n // 10) for n in density.shape)]
    low, high = np.percentile(inner[::4, ::4], [1.0, 99.0])
    large = _blurred(density, 12 / pitch_mm)
    fine = _blurred(density, 2.5 / pitch_mm)
    flat = density + 0.3 * (density - large) + 0.5 * (density - fine)
    grey = (flat - low) / max(high - low, 1e-3)
    curve = 1 / (1 + np.exp(-3.6 * exposure.contrast * (grey - 0.45 + exposure.bright)))
    return np.asarray(np.clip(np.rint(curve * WHITE), 0, WHITE), np.uint16)


def _blurred(picture: F32, sigma: float) -> F32:
    """Return it blurred; a wide blur works on a small copy, which looks the same."""
    step = max(1, int(sigma / 4))
    if step == 1:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
    size = (picture.shape[1], picture.shape[0])
    small = cv2.resize(picture, (size[0] // step, size[1] // step), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / step, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR), np.float32)
