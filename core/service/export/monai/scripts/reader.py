"""Pictures as the model was trained on them: upright RGB of 8 bits, large JPEGs reduced."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from monai.data.image_reader import ImageReader
from PIL import Image, ImageOps

Names = str | PathLike[str] | Sequence[str | PathLike[str]]

_SUFFIXES = ("jpg", "jpeg", "png", "bmp", "webp")
_ORIENTATION, _LYING = 0x0112, 5
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")


class PictureReader(ImageReader):
    """Read JPEG, PNG, BMP or WebP for ``LoadImage``, one picture a file.

    Args:
        side: Side of the network's input in pixels: a JPEG is decoded at 1/2, 1/4 or 1/8 where
            that leaves both of its sides at least as long.
    """

    def __init__(self, side: int) -> None:
        self.side = side

    def verify_suffix(self, filename: Names) -> bool:
        """Return whether the name is that of such a picture."""
        return all(str(name).lower().rpartition(".")[2] in _SUFFIXES for name in _listed(filename))

    def read(self, data: Names, **kwargs: object) -> Image.Image:  # noqa: ARG002
        """Return a picture, opened.

        Raises:
            ValueError: It is not of 8 bits a channel.
        """
        (name,) = _listed(data)
        image = Image.open(name)
        if image.mode not in _MODES:
            raise ValueError(f"{name}: expected 8 bits a channel, got the mode {image.mode}")
        return image

    def get_data(self, img: Image.Image) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
        """Return uint8 ``h w 3``, with the size that the file had in ``source_size``."""
        width, height = img.size
        lying = img.getexif().get(_ORIENTATION, 1) >= _LYING
        img.draft(img.mode, (self.side, self.side))
        pixels = _rgb(ImageOps.exif_transpose(img))
        meta = {
            "source_size": np.array((width, height) if lying else (height, width)),
            "original_channel_dim": -1,
            "spatial_shape": np.array(pixels.shape[:2]),
            "affine": np.eye(4),
        }
        return pixels, meta


def _listed(names: Names) -> Sequence[str | PathLike[str]]:
    return [names] if isinstance(names, str | PathLike) else names


def _rgb(image: Image.Image) -> np.ndarray[Any, Any]:
    """Return a picture whose transparent parts lie on white."""
    if not image.has_transparency_data:
        return np.array(image.convert("RGB"))
    rgba = np.array(image.convert("RGBA"))
    alpha = rgba[:, :, 3:].astype(np.float32) / 255
    return np.asarray(np.rint(rgba[:, :, :3] * alpha + 255 * (1 - alpha)), np.uint8)
