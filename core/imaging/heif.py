"""HEIC and AVIF, as phones write them, through Pillow."""

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
    from PIL import Image, ImageOps  # only when such a picture comes
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode not in _MODES:
            upright = upright.convert("RGB")
        pixels = np.asarray(upright)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]
