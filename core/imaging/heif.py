"""HEIC and AVIF, as phones write them, through Pillow.

HEIC is read through pi-heif, whose wheels hold a decoder alone (libheif and libde265, LGPL). Those
of pillow-heif, which follows it, hold the encoder x265 as well and stand under the GPL.
"""

from __future__ import annotations

import io

import numpy as np

from core.types import U8

HEIF_KINDS = frozenset({"HEIC", "AVIF"})
_MODES = frozenset({"L", "RGB", "RGBA"})


def decode_heif(data: bytes) -> U8:
    """Return the upright picture, uint8 ``h w c`` with c = 1, 3 or 4 (RGBA).

    Raises:
        OSError, ValueError, SyntaxError, EOFError, RuntimeError: It does not decode.
    """
    from pi_heif import register_heif_opener
    from PIL import Image, ImageOps  # only when such a picture comes

    register_heif_opener(thumbnails=False)
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode not in _MODES:
            upright = upright.convert("RGB")
        pixels = np.asarray(upright)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]
