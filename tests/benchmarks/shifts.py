"""Ladders of what goes wrong in front of a camera: five steps each, the same for the same seed.

A step works on the picture as it was taken, before a pack prepares it. The gate learns the same
faults from prepared pictures, at strengths between the second step and the fourth;
`... ladders unseen` hides each ladder's own fault from it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.imaging import corruptions
from core.types import U8

STEPS = 5
MIDDLE = 3
LADDERS: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "blur": ("out of focus", (0.002, 0.004, 0.008, 0.014, 0.022)),
    "motion blur": ("smeared by motion", (0.01, 0.02, 0.04, 0.07, 0.12)),
    "over-exposure": ("too bright", (1.25, 1.6, 2.0, 2.8, 4.0)),
    "under-exposure": ("too dark", (0.8, 0.6, 0.4, 0.25, 0.12)),
    "noise": ("noisy", (4.0, 8.0, 14.0, 24.0, 40.0)),
    "JPEG": ("compressed hard", (70.0, 40.0, 20.0, 10.0, 5.0)),
    "shift": ("shifted", (0.03, 0.06, 0.12, 0.2, 0.3)),
    "rotation": ("turned", (2.0, 5.0, 10.0, 20.0, 45.0)),
    "occlusion": ("partly covered", (0.01, 0.03, 0.08, 0.16, 0.3)),
    "colour cast": (corruptions.TINTED, (0.06, 0.12, 0.2, 0.32, 0.5)),
    "other camera": ("taken with another camera", (0.2, 0.4, 0.7, 1.0, 1.5)),
}


def shifted(pixels: U8, ladder: str, step: int, rng: np.random.Generator) -> U8:
    """Take one picture one step up one ladder.

    Args:
        pixels: uint8 ``h w c``, c = 1 or 3.
        ladder: A name in ``LADDERS``.
        step: 1 (hardly visible) to 5 (gross).
        rng: Draws directions, places and noise; the same state goes the same way at every step.
    """
    fault, strengths = LADDERS[ladder]
    return corruptions.faulty(pixels, fault, strengths[step - 1], rng)


def suits(ladder: str, pixels: U8) -> bool:
    """Say whether a ladder can be climbed: a grey picture has no colour to cast."""
    return corruptions.suits(LADDERS[ladder][0], pixels)
