"""Bytes to pixels: the one border to OpenCV's decoders."""

from __future__ import annotations

import hashlib
import math
import re
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from core.errors import UnreadableImage
from core.imaging.depth import source_of
from core.imaging.headers import ImageHeader
from core.imaging.headers_rare import has_clean_aperture, pnm_layout
from core.imaging.heif import HEIF_KINDS, decode_heif
from core.imaging.sniff import sniff
from core.types import FURTHER, Frame

_REDUCED = {1: 0, 2: 16, 4: 32, 8: 64}  # cv2.IMREAD_REDUCED_GRAYSCALE_n; 0 = full size
_STRIP_ROWS = 256
# What libjpeg says of a whole picture that is followed by fill bytes before its end marker.
_FILL = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_FILL_BYTES = b"\x00\xff"
_OS2 = (12).to_bytes(4, "little")  # size of an OS/2 1.x bitmap header
_END = b"\xff\xd9"

Pixels = NDArray[Any]  # uint8 or uint16: checked once, in _pixels


def decode(data: bytes, max_pixels: int, min_side: int) -> Frame:
    """Return a picture of an accepted format as upright RGB or grey of 8 or 16 bits.

    Transparent pixels are laid on white, as a viewer shows them. A JPEG is decoded at 1/2, 1/4
    or 1/8 where the shorter side stays at least ``min_side``, which is both the fastest and the
    smoothest way to shrink it. A JPEG whose data libjpeg cannot follow to the end is refused: its
    decoder would fill the rest with grey. Bytes after the end marker play no part, unless they are
    a second picture: see ``headers_jpeg``.

    Args:
        data: The whole file.
        max_pixels: Largest width times height that may be decoded.
        min_side: Smallest side in pixels that a reduced decode may return; 0 = full size.

    Raises:
        UnreadableImage: Not an accepted format, too large or too small, cut short or damaged.
    """
    header = sniff(data, max_pixels)
    if header.kind in HEIF_KINDS:
        return _heif(data, header)
    if header.kind == "PNM":
        return _pnm(data, header)
    factor = _reduction(header, min_side)
    pixels = _pixels(data, header, factor)
    expected = _stored_size(header, factor)
    if pixels.shape[:2] != expected:
        raise UnreadableImage(
            f"The {header.kind} contradicts itself: its header says {expected}, its data "
            f"{pixels.shape[:2]} (height, width).",
            hint="Send the original file again.",
        )
    bits = pixels.dtype.itemsize * 8
    if header.kind != "TIFF":  # OpenCV turns TIFF upright itself, whatever its flags say.
        pixels = _upright(pixels, header.orientation)
    return Frame(
        pixels=np.ascontiguousarray(pixels),
        bit_depth=bits,
        sha256=hashlib.sha256(data).hexdigest(),
        source_size=header.upright_size,
        meta={"format": header.kind} | ({FURTHER: "not looked at"} if header.has_further else {}),
        source=source_of(header.kind, bits, pixels.shape[2]) if bits > 8 else "",
    )


def _pnm(data: bytes, header: ImageHeader) -> Frame:
    """Return the values as they are, with the range that the header states."""
    layout = pnm_layout(data)
    stored = np.dtype(">u2" if layout.largest > 255 else "u1")
    shape = (layout.height, layout.width, layout.channels)
    pixels: Pixels = np.frombuffer(data, stored, math.prod(shape), layout.at).reshape(shape)
    bits = layout.largest.bit_length()
    return Frame(
        pixels=pixels.astype(np.uint16) if layout.largest > 255 else pixels.astype(np.uint8),
        bit_depth=bits,
        sha256=hashlib.sha256(data).hexdigest(),
        source_size=header.upright_size,
        meta={"format": header.kind},
        source=source_of(header.kind, bits, layout.channels) if bits > 8 else "",
    )


def _heif(data: bytes, header: ImageHeader) -> Frame:
    try:
        pixels = decode_heif(data)
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError) as exc:
        raise _damaged(header) from exc
    if not _is_shown_part(pixels.shape, data, header):
        raise _damaged(header)
    pixels = _on_white(pixels) if pixels.shape[2] == 4 else pixels
    return Frame(
        pixels=np.ascontiguousarray(pixels),
        bit_depth=8,
        sha256=hashlib.sha256(data).hexdigest(),
        source_size=(pixels.shape[0], pixels.shape[1]),
        meta={"format": header.kind},
    )


def _is_shown_part(shape: tuple[int, ...], data: bytes, header: ImageHeader) -> bool:
    """Return whether pixels are all that a HEIC or AVIF codes, or the part that it says it shows.

    Encoders pad small or odd pictures to whole blocks and state a clean aperture.
    """
    sides, stated = sorted(shape[:2]), sorted((header.height, header.width))
    if not has_clean_aperture(data):
        return sides == stated
    return all(side <= most for side, most in zip(sides, stated, strict=True))


def _reduction(header: ImageHeader, min_side: int) -> int:
    if header.kind != "JPEG" or min_side < 1:
        return 1
    shorter = min(header.width, header.height)
    return next(factor for factor in (8, 4, 2, 1) if factor == 1 or shorter // factor >= min_side)


def _stored_size(header: ImageHeader, factor: int) -> tuple[int, int]:
    if header.kind == "TIFF":
        return header.upright_size
    return -(-header.height // factor), -(-header.width // factor)


def _pixels(data: bytes, header: ImageHeader, factor: int) -> Pixels:
    flags: int = cv2.IMREAD_UNCHANGED
    if header.kind == "BMP" and data[14:18] == _OS2:
        flags = cv2.IMREAD_COLOR  # unchanged, OpenCV gives this old header's colours as grey
    if header.kind == "JPEG" and (jpeg := _jpeg(data, header, factor)) is not None:
        return jpeg
    if header.kind == "JPEG":
        colour = 0 if header.grey else cv2.IMREAD_COLOR_RGB
        flags = _REDUCED[factor] | colour | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as exc:
        if exc.code == cv2.Error.StsNoMem:
            raise MemoryError(str(exc)) from exc
        raise _damaged(header) from exc
    if pixels is None:
        raise _damaged(header)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UnreadableImage(
            f"The {header.kind} holds {pixels.dtype} values; expected 8 or 16 bit whole numbers.",
            hint="Save it with 8 or 16 bits a channel.",
        )
    return _channels(pixels, header)


def _jpeg(data: bytes, header: ImageHeader, factor: int) -> Pixels | None:
    """Return the picture that libjpeg decodes without a warning; None for OpenCV to decode.

    Raises:
        UnreadableImage: libjpeg warns of lost, foreign or missing data.
    """
    colour = "CMYK" if header.cmyk else "GRAY" if header.grey else "RGB"
    rows, columns = -(-header.height // factor), -(-header.width // factor)
    try:
        pixels = simplejpeg.decode_jpeg(data, colour, min_height=rows, min_width=columns)
    except ValueError as exc:
        if "Corrupt JPEG" not in str(exc) and "Premature end" not in str(exc):
            return None  # a layout that it does not take, such as arithmetic coding
        if _is_fill(data, str(exc)):
            return None
        raise _damaged(header) from exc
    if header.cmyk or pixels.shape[:2] != (rows, columns):
        return None
    return np.asarray(pixels)


def _is_fill(data: bytes, warning: str) -> bool:
    """Return whether the warning is of fill before the end marker, as some cameras write."""
    found = _FILL.search(warning)
    if not found:
        return False
    end, length = data.rfind(_END), int(found[1])
    return not data[end - length : end].strip(_FILL_BYTES)


def _damaged(header: ImageHeader) -> UnreadableImage:
    return UnreadableImage(
        f"The {header.kind} of {header.width} x {header.height} pixels is damaged or cut short: "
        "its header reads, its data does not.",
        hint="Send the original file again.",
    )


def _channels(pixels: Pixels, header: ImageHeader) -> Pixels:
    if pixels.ndim == 2:
        return pixels[:, :, None]
    if pixels.shape[2] == 4 and header.opaque:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB))
    if pixels.shape[2] == 4:
        if header.kind == "TIFF" and pixels[:, :, 3].min() < np.iinfo(pixels.dtype).max:
            # libtiff multiplies the colours by the alpha in some layouts and not in others.
            raise UnreadableImage(
                "The TIFF is partly transparent; expected an opaque picture.",
                hint="Save it without an alpha channel, or as PNG.",
            )
        return _on_white(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA)))
    if header.kind == "JPEG":  # decoded straight to RGB
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def _on_white(rgba: Pixels) -> Pixels:
    white = np.iinfo(rgba.dtype).max
    rgb = np.ascontiguousarray(rgba[:, :, :3])
    if rgba[:, :, 3].min() == white:
        return rgb
    for top in range(0, len(rgba), _STRIP_ROWS):  # in strips, so that 64 Mpx fit into memory
        rows = slice(top, top + _STRIP_ROWS)
        alpha = rgba[rows, :, 3:].astype(np.float32) / white
        rgb[rows] = np.rint(rgb[rows] * alpha + white * (1 - alpha))
    return rgb


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Return stored rows and columns turned upright (EXIF 2.3, tag 274)."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
