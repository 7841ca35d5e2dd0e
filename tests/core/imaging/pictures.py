"""Known pictures as bytes, made by Pillow, so that OpenCV's reading is checked by another hand."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

QUADRANTS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (220, 220, 10))


def quadrants(height: int = 40, width: int = 64) -> np.ndarray:
    """Red, green, blue, yellow: upper left, upper right, lower left, lower right."""
    picture = np.zeros((height, width, 3), np.uint8)
    for index, colour in enumerate(QUADRANTS):
        top, left = divmod(index, 2)
        rows = slice(top * height // 2, (top + 1) * height // 2)
        picture[rows, left * width // 2 : (left + 1) * width // 2] = colour
    return picture


def encoded(pixels: np.ndarray | Image.Image, kind: str, orientation: int = 1, **options) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    if orientation != 1:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """Turn an upright picture the way a camera stores it under an EXIF orientation."""
    turned = {
        1: lambda p: p,
        2: np.fliplr,
        3: lambda p: np.rot90(p, 2),
        4: np.flipud,
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
        8: lambda p: np.rot90(p, -1),
    }
    return np.ascontiguousarray(turned[orientation](upright))


def png_claiming(width: int, height: int) -> bytes:
    """A small PNG whose header claims any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(bytes(1000))),
            (b"IEND", b""),
        )
    )


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A picture with structure at every scale, which no codec flattens."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [
        np.sin(rows / height * a + columns / width * b + phase)
        for a, b, phase in rng.uniform(1, 40, (6, 3))
    ]
    picture = np.stack([waves[i] + waves[i + 3] for i in range(3)], axis=2)
    return np.clip(128 + 50 * picture, 0, 255).astype(np.uint8)
