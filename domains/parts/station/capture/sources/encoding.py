"""A frame as the file that is judged and kept: learning and judging see the same bytes.

JPEG of quality 95 without colour subsampling. Of 1600 x 1200 pixels with camera noise (sigma 2) it
takes 7 ms to write, 7 ms to read and 0.5 MB, where PNG at its fastest takes 97 ms, 29 ms and 3 MB.
The mean error is 1.6 grey levels, below the noise. Subsampling would save 3 ms and 25 % and blur
coloured marks of one pixel. More than 8 bits stay PNG, which JPEG cannot hold.
"""

from __future__ import annotations

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from core.errors import AssayError

QUALITY = 95
_PNG_SPEED = 1


def encode(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """Return a frame as a file.

    Args:
        pixels: Grey (height, width) or RGB (height, width, 3), 8 or 16 bits.

    Raises:
        AssayError: It cannot be encoded.
    """
    if pixels.dtype == np.uint16:
        stored = pixels if pixels.ndim == 2 else pixels[:, :, ::-1]
        is_done, data = cv2.imencode(".png", stored, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_SPEED])
        if not is_done:
            raise AssayError(f"A frame of shape {pixels.shape} cannot be encoded as PNG.")
        return bytes(data)
    whole = np.ascontiguousarray(pixels[:, :, None] if pixels.ndim == 2 else pixels)
    colours, sampling = ("GRAY", "Gray") if whole.shape[2] == 1 else ("RGB", "444")
    return bytes(simplejpeg.encode_jpeg(whole, QUALITY, colours, sampling, fastdct=False))
