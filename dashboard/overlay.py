"""Pictures for the screen, encoded by us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from core.imaging.overlay import overlay_heat, restore_shape, strength
from core.service.review.explanations import Explanation
from core.types import U8, Prepared

QUALITY, FULL_QUALITY = 88, 93
HEAT_SIDE = 240


@dataclass(frozen=True, slots=True)
class Heat:
    """Where a verdict was decided.

    Attributes:
        height: In pixels.
        width: In pixels.
        pixels: int8, row by row, -127 to 127: above 0 is evidence for positive, below against it.
    """

    height: int
    width: int
    pixels: bytes


@dataclass(frozen=True, slots=True)
class ColourPicture:
    """One picture ready to be looked at, in colour.

    Attributes:
        size: Height and width of the original in pixels.
        jpeg: The picture, perhaps smaller.
    """

    size: tuple[int, int]
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class KnownCase:
    """One known case near a picture, ready to be shown.

    Attributes:
        label: Its class.
        positive: Whether that class is positive; None when the bundle does not know it.
        distance: Euclidean over standardised features.
        jpeg: Its thumbnail.
    """

    label: str
    positive: bool | None
    distance: float
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """What explains one decision, as bytes that many sessions can share.

    Attributes:
        heat: JPEG in the shape of the original with the heat map laid over it.
        heat_map: The heat map alone.
        known: The nearest known cases, nearest first.
    """

    heat: bytes
    heat_map: Heat
    known: tuple[KnownCase, ...]


def picture_of(prepared: Prepared) -> bytes:
    """Return a picture that was stretched to a square as JPEG in the shape of its original."""
    return jpeg(restore_shape(prepared.pixels, prepared.source_size))


def shown_of(explanation: Explanation, sides: Mapping[str, bool]) -> Shown:
    """Return an explanation as the bytes that are shown.

    Args:
        explanation: What the explainer worked out.
        sides: For each class whether it is positive.
    """
    size = explanation.source_size
    picture = restore_shape(explanation.picture, size)
    heat = restore_shape(explanation.heat, size)
    return Shown(
        heat=jpeg(overlay_heat(picture, strength(heat))),
        heat_map=heat_of(explanation),
        known=tuple(
            KnownCase(one.label, side_of(one.label, sides), one.distance, one.jpeg)
            for one in explanation.neighbours
        ),
    )


def heat_of(explanation: Explanation) -> Heat:
    """Return the heat map of an explanation in the shape of the original, small."""
    strengths = strength(restore_shape(explanation.heat, explanation.source_size))
    scale = min(1.0, HEAT_SIDE / max(strengths.shape))
    height, width = (max(1, round(side * scale)) for side in strengths.shape)
    small = cv2.resize(strengths, (width, height), interpolation=cv2.INTER_AREA)
    return Heat(height, width, np.rint(127 * small).astype(np.int8).tobytes())


def side_of(label: str, sides: Mapping[str, bool]) -> bool | None:
    """Return whether any label of ``a|b`` is positive; None if one of them is not known."""
    known = [sides.get(name) for name in label.split("|")]
    return None if None in known else any(known)


def jpeg(picture: U8, quality: int = QUALITY) -> bytes:
    """Return uint8 ``h w 3`` RGB as JPEG.

    Raises:
        ValueError: The encoder refused the picture.
    """
    done, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"jpeg: the encoder refused shape {picture.shape}")
    return bytes(data)
