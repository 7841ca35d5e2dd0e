"""A chest as a volume of attenuation with its lungs and heart marked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import F32, U8

WATER_PER_MM = 0.0195  # attenuation of water at the mean energy of a filtered 120 kV beam
BONE, DENSEST = 150, 1000  # Hounsfield units
CALCIUM = 0.7
RIGHT_LUNG, LEFT_LUNG, HEART = 1, 2, 3


@dataclass(frozen=True)
class Chest:
    """One chest, standing, seen from behind as on a light box.

    Attributes:
        mu: float32 ``d h w``, linear attenuation per mm; d from back to front, h from head to
            feet, w from the patient's right to the patient's left.
        parts: uint8 ``d h w``: ``RIGHT_LUNG``, ``LEFT_LUNG``, ``HEART`` or 0.
        spacing_mm: Distance between voxels along d, h and w.
    """

    mu: F32
    parts: U8
    spacing_mm: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other.

        Raises:
            ValueError: The shapes differ, or the attenuation is not float32 ``d h w``.
        """
        if self.mu.ndim != 3 or self.mu.dtype != np.float32:
            raise ValueError(f"mu: expected float32 (d, h, w), got {self.mu.dtype} {self.mu.shape}")
        if self.parts.shape != self.mu.shape:
            raise ValueError(f"parts: expected the shape {self.mu.shape}, got {self.parts.shape}")


def attenuation(hounsfield: NDArray[np.generic]) -> F32:
    """Return Hounsfield units as linear attenuation per mm for the beam of a chest film.

    By their definition up to ``BONE``; above, calcium takes more out of a film's softer beam than
    out of a CT's, and what is denser than bone (contrast medium in a vein) is taken for bone.
    """
    units = np.minimum(np.asarray(hounsfield, np.float32), DENSEST)
    relative = 1 + units / 1000 + CALCIUM * np.maximum(units - BONE, 0) / 1000
    return np.asarray(np.maximum(relative, 0) * WATER_PER_MM, np.float32)
