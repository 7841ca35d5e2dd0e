"""Pictures for the screen, encoded by us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2

from core.imaging.overlay import overlay_heat, restore_shape, strength
from core.service.review.explanations import Explanation
from core.types import U8, Prepared

QUALITY = 88


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
        known: The nearest known cases, nearest first.
    """

    heat: bytes
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
        known=tuple(
            KnownCase(one.label, side_of(one.label, sides), one.distance, one.jpeg)
            for one in explanation.neighbours
        ),
    )


def side_of(label: str, sides: Mapping[str, bool]) -> bool | None:
    """Return whether any label of ``a|b`` is positive; None if one of them is not known."""
    known = [sides.get(name) for name in label.split("|")]
    return None if None in known else any(known)


def jpeg(picture: U8) -> bytes:
    """Return uint8 ``h w 3`` RGB as JPEG.

    Raises:
        ValueError: The encoder refused the picture.
    """
    done, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise ValueError(f"jpeg: the encoder refused shape {picture.shape}")
    return bytes(data)
