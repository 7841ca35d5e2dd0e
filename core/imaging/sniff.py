"""What the bytes are, by their magic, and how large a picture they claim to be."""

from __future__ import annotations

import struct
from collections.abc import Callable

from core.errors import UnreadableImage
from core.imaging import headers, headers_jpeg, headers_rare
from core.imaging.headers import ImageHeader

ACCEPTED = "JPEG, PNG, TIFF, BMP, WebP, HEIC, AVIF, GIF, PGM, PPM or JPEG 2000"
SUFFIXES = frozenset(
    {
        ".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".tif", ".tiff", ".bmp", ".dib", ".webp",
        ".heic", ".heif", ".avif", ".gif", ".pgm", ".ppm", ".jp2",
    }
)  # fmt: skip
_HEIF_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"heim", b"heis", b"hevc", b"hevx")
_AVIF_BRANDS = (b"avif", b"avis")
_JP2 = b"\0\0\0\x0cjP  \r\n\x87\n"
SMALLEST_SIDE = 8

_AGAIN = "Send the original file again, or save it as a plain JPEG or PNG."


def sniff(data: bytes, max_pixels: int) -> ImageHeader:
    """Return format and size by the header alone; the file's name plays no part.

    Args:
        data: The whole file.
        max_pixels: Largest width times height that may be decoded.

    Raises:
        UnreadableImage: Empty, not an accepted format, cut short, several pages or animated, a
            side under 8 pixels, or more than ``max_pixels``.
    """
    if not data:
        raise UnreadableImage(f"The file is empty (0 bytes); expected {ACCEPTED}.", hint=_AGAIN)
    kind, parse = _format(data)
    try:
        header = parse(data)
    except (ValueError, IndexError, struct.error) as exc:
        detail = str(exc) if type(exc) is ValueError else "its header is cut short"
        raise UnreadableImage(f"The {kind} cannot be read: {detail}.", hint=_AGAIN) from exc
    _check_size(header, max_pixels)
    return header


def looks_like_picture(head: bytes) -> bool:
    """Return whether a file's first 32 bytes are those of an accepted format."""
    try:
        _format(head)
    except UnreadableImage:
        return False
    return not head.startswith(b"BM") or head[6:10] == bytes(4)


def _format(data: bytes) -> tuple[str, Callable[[bytes], ImageHeader]]:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG", headers_jpeg.jpeg
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG", headers.png
    if data.startswith((b"II*\0", b"MM\0*")):
        return "TIFF", headers.tiff_page
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP", headers.webp
    if data.startswith(b"BM"):
        return "BMP", headers.bmp
    rare = _rare_format(data)
    if rare:
        return rare
    raise UnreadableImage(
        f"The bytes are no picture that Assay reads: expected {ACCEPTED}, "
        f"got {len(data)} bytes of another kind.",
        hint="Save it in one of these formats.",
    )


def _rare_format(data: bytes) -> tuple[str, Callable[[bytes], ImageHeader]] | None:
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF", headers_rare.gif
    if data.startswith((b"P5", b"P6")) and data[2:3].isspace():
        return "PNM", headers_rare.pnm
    if data.startswith(_JP2):
        return "JPEG 2000", headers_rare.jpeg_2000
    if data[4:8] == b"ftyp" and data[8:12] in _AVIF_BRANDS:
        return "AVIF", headers_rare.avif
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        is_avif = b"avif" in data[8 : int.from_bytes(data[:4], "big")]
        return ("AVIF", headers_rare.avif) if is_avif else ("HEIC", headers_rare.heic)
    return None


def _check_size(header: ImageHeader, max_pixels: int) -> None:
    size = f"{header.width} x {header.height}"
    if min(header.width, header.height) < SMALLEST_SIDE:
        raise UnreadableImage(
            f"The {header.kind} is too small: expected at least {SMALLEST_SIDE} pixels a side, "
            f"got {size}.",
            hint="Send the original picture.",
        )
    if header.width * header.height > max_pixels:
        raise UnreadableImage(
            f"The {header.kind} is too large: expected at most {max_pixels} pixels, "
            f"got {size} = {header.width * header.height}.",
            hint="Send a smaller picture, or raise ASSAY_MAX_PIXELS.",
        )
