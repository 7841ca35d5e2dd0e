"""What a file tells of how it was taken and stored; read where files of others are decoded."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin

_MAKE, _MODEL = 271, 272
_LONGEST = 64
JPEG_QUALITY = "JPEG quality"

# Luminance table of ITU-T T.81, annex K.1, which encoders scale by the quality.
_LUMINANCE = np.array([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
])  # fmt: skip


def read_traits(data: bytes) -> dict[str, float | str]:
    """Return the ``camera`` of a picture and its ``JPEG quality``, those that its file states.

    Never raises for what is in the file; only its header is read.
    """
    found: dict[str, float | str] = {}
    try:
        with Image.open(BytesIO(data)) as picture:
            exif = _exif(picture, data)
            words = (str(exif.get(tag) or "").strip("\x00 ") for tag in (_MAKE, _MODEL))
            if camera := " ".join(filter(None, words))[:_LONGEST]:
                found["camera"] = camera
            if isinstance(picture, JpegImagePlugin.JpegImageFile) and picture.quantization:
                found[JPEG_QUALITY] = _quality(picture.quantization[0])
    except Exception:
        # Whatever a header does to its reader, the picture's own decoder decides on the file.
        return found
    return found


def _exif(picture: Image.Image, data: bytes) -> Mapping[int, object]:
    """Return what a file states, without decoding the pixels of a PNG that states nothing.

    Pillow decodes a whole PNG in search of an eXIf chunk behind its pixels.
    """
    is_bare = isinstance(picture, PngImagePlugin.PngImageFile) and b"eXIf" not in data
    return Image.Image.getexif(picture) if is_bare else picture.getexif()


def _quality(table: list[int]) -> float:
    """Return the quality, 1 to 100, whose table is nearest: that of libjpeg, inverted."""
    scale = 100.0 * float(np.sum(table)) / float(_LUMINANCE.sum())
    quality = (200.0 - scale) / 2.0 if scale <= 100.0 else 5000.0 / scale
    return float(min(max(round(quality), 1), 100))
