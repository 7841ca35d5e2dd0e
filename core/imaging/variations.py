"""What changes in front of a camera from day to day without harm, done to a picture.

A lamp ages, a screw is turned, an export is resized or compressed once more: what a picture shows
stays the same. ``core.imaging.corruptions`` holds what goes wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from core.imaging.corruptions import faulty, is_grey
from core.types import F32, U8, Frame


class Variation(NamedTuple):
    """One way in which pictures vary: what it does, and the strength at its end.

    Strength 0 changes nothing.
    """

    work: Callable[[Frame, float, np.random.Generator], Frame]
    end: float


def vary(frame: Frame, name: str, strength: float, rng: np.random.Generator) -> Frame:
    """Return a picture varied in one way.

    Args:
        frame: uint8 pixels; where these are a reduction of the source, so is the result.
        name: A name in ``VARIATIONS``.
        strength: In the variation's own unit, named by the function that does it.
        rng: Draws places and directions.
    """
    return VARIATIONS[name].work(frame, strength, rng)


def vary_randomly(frame: Frame, name: str, rng: np.random.Generator) -> tuple[Frame, float]:
    """Return a picture varied in one way, and the share drawn of the way to its end.

    Shares near the end are drawn more often: there it is decided what is let in.
    """
    share = float(rng.uniform() ** 0.5)
    return vary(frame, name, share * VARIATIONS[name].end, rng), share


def suits(name: str, pixels: U8) -> bool:
    """Return whether a picture can vary so: a grey one has no white to balance."""
    return name not in COLOURED or not is_grey(pixels)


def _toned(tone: Callable[[F32, float], F32]) -> Callable[..., Frame]:
    """Return the variation that takes grey levels, float32 ``h w c``, to others."""

    def work(frame: Frame, strength: float, _rng: np.random.Generator) -> Frame:
        grey = tone(frame.pixels.astype(np.float32), strength)
        return replace(frame, pixels=(np.clip(grey, 0.0, 255.0) + 0.5).astype(np.uint8))

    return work


def _light(grey: F32, share: float) -> F32:
    """Return it with all grey levels larger by a share."""
    return grey * np.float32(1.0 + share)


def _contrast(grey: F32, share: float) -> F32:
    """Return it with all differences from the mean grey level larger by a share."""
    mean = grey.mean()
    return np.asarray(mean + (grey - mean) * np.float32(1.0 + share))


def _balance(grey: F32, share: float) -> F32:
    """Return it with red larger by a share and blue smaller."""
    return grey * np.array([1.0 + share, 1.0, 1.0 - share], np.float32)


def _as_fault(name: str) -> Callable[..., Frame]:
    """Return the variation that is a small fault, with the fault's strength."""

    def work(frame: Frame, strength: float, rng: np.random.Generator) -> Frame:
        return replace(frame, pixels=faulty(frame.pixels.astype(np.uint8), name, strength, rng))

    return work


def _compress(frame: Frame, loss: float, rng: np.random.Generator) -> Frame:
    """Return it compressed as JPEG at a quality of 100 less the loss."""
    return _as_fault("compressed hard")(frame, 100.0 - loss, rng)


def _crop(frame: Frame, share: float, rng: np.random.Generator) -> Frame:
    """Return it with a share cut off one side's length, and up to as much off the other's."""
    lost = np.array([1.0, rng.uniform()])[rng.permutation(2)]
    height, width = frame.pixels.shape[:2]
    off_y, off_x = np.round(share * lost * (height, width)).astype(int)
    top, left = int(rng.integers(0, off_y + 1)), int(rng.integers(0, off_x + 1))
    cut: U8 = frame.pixels.astype(np.uint8)[top : top + height - off_y, left : left + width - off_x]
    source = (
        round(frame.source_size[0] * cut.shape[0] / height),
        round(frame.source_size[1] * cut.shape[1] / width),
    )
    return replace(frame, pixels=np.ascontiguousarray(cut), source_size=source)


def _resize(frame: Frame, logarithm: float, _rng: np.random.Generator) -> Frame:
    """Return the source resampled by a factor given as its logarithm.

    Pixels that are a reduction of the source stay as they are until the source is smaller.
    """
    factor = math.exp(logarithm)
    source = (round(frame.source_size[0] * factor), round(frame.source_size[1] * factor))
    height, width, channels = frame.pixels.shape
    is_reduced = min(frame.source_size) > min(height, width)
    size = (min(height, source[0]), min(width, source[1])) if is_reduced else source
    kind = cv2.INTER_AREA if size[0] < height else cv2.INTER_LINEAR
    pixels: U8 = np.asarray(cv2.resize(frame.pixels, (size[1], size[0]), interpolation=kind))
    return replace(frame, pixels=pixels.reshape(*size, channels), source_size=source)


COLOURED = ("warmer", "cooler")
VARIATIONS: Mapping[str, Variation] = {
    "darker": Variation(_toned(_light), -0.15),
    "brighter": Variation(_toned(_light), 0.15),
    "flatter": Variation(_toned(_contrast), -0.15),
    "harder": Variation(_toned(_contrast), 0.15),
    "warmer": Variation(_toned(_balance), 0.1),
    "cooler": Variation(_toned(_balance), -0.1),
    "compressed": Variation(_compress, 30.0),
    "cropped": Variation(_crop, 0.05),
    "shifted": Variation(_as_fault("shifted"), 0.03),
    "turned": Variation(_as_fault("turned"), 3.0),
    "smaller": Variation(_resize, math.log(0.6)),
    "larger": Variation(_resize, math.log(1.5)),
}
