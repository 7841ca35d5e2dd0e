"""Headers of formats that phones, browsers and older cameras write: pure, no library."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from core.imaging.headers import ImageHeader

_SPATIAL_EXTENT, _CLEAN_APERTURE = b"ispe", b"clap"
_GAP = rb"(?:\s|#[^\n]*\n)+"
_PNM = re.compile(rb"P[56]" + 3 * (_GAP + rb"(\d{1,9})") + rb"\s")
_LONGEST_PNM = 4096
_LONGEST_META = 1024 * 1024
_IMAGE, _EXTENSION, _END = 0x2C, 0x21, 0x3B


@dataclass(frozen=True, slots=True)
class PnmLayout:
    """Where the values of a binary PGM or PPM lie.

    Attributes:
        at: Offset of the first value.
        width: Values a row and channel.
        height: Rows.
        channels: 1 or 3, side by side.
        largest: The value that stands for white; over 255 values have two bytes, high byte first.
    """

    at: int
    width: int
    height: int
    channels: int
    largest: int


def gif(data: bytes) -> ImageHeader:
    """Return the header, the blocks walked to the end (GIF89a, section 17 and on).

    Raises:
        ValueError: Cut short, or animated.
        IndexError: The bytes end inside a block.
        struct.error: The bytes end inside the header.
    """
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at, pictures = 13 + _table_length(flags), 0
    while (kind := data[at]) != _END:
        if kind == _IMAGE:
            pictures += 1
            at = _after_blocks(data, at + 11 + _table_length(data[at + 9]))
        elif kind == _EXTENSION:
            at = _after_blocks(data, at + 2)
        else:
            raise ValueError("its blocks do not follow each other")
    if pictures != 1:
        raise ValueError(f"it holds {pictures} pictures; expected one")
    return ImageHeader("GIF", width, height)


def pnm(data: bytes) -> ImageHeader:
    """Return the header of a binary PGM or PPM (netpbm).

    Raises:
        ValueError: The header is none, or values are missing after it.
    """
    layout = pnm_layout(data)
    return ImageHeader("PNM", layout.width, layout.height)


def pnm_layout(data: bytes) -> PnmLayout:
    """Return where a binary PGM's or PPM's values lie and how large they may be.

    Raises:
        ValueError: The header is none, or values are missing after it.
    """
    header = _PNM.match(data[:_LONGEST_PNM])
    if header is None:
        raise ValueError("its header is none")
    width, height, largest = (int(word) for word in header.groups())
    channels = 3 if data[1:2] == b"6" else 1
    if not 1 <= largest <= 65535:
        raise ValueError(f"its largest value is {largest}; expected 1 to 65535")
    if len(data) < header.end() + width * height * channels * (2 if largest > 255 else 1):
        raise ValueError("its end is missing")
    return PnmLayout(header.end(), width, height, channels, largest)


def jpeg_2000(data: bytes) -> ImageHeader:
    """Return the header by the image header box (ISO/IEC 15444-1, I.5.3.1).

    Raises:
        ValueError: There is none.
        struct.error: The bytes end inside it.
    """
    height, width = struct.unpack_from(">II", data, data.index(b"ihdr", 12, 4096) + 4)
    return ImageHeader("JPEG 2000", width, height)


def heic(data: bytes) -> ImageHeader:
    """Return the header by the largest spatial extent (ISO/IEC 23008-12, 6.5.3)."""
    return _heif("HEIC", data)


def avif(data: bytes) -> ImageHeader:
    """Return the header by the largest spatial extent, as in ``heic``."""
    return _heif("AVIF", data)


def _heif(kind: str, data: bytes) -> ImageHeader:
    if data[8:12] in (b"avis", b"msf1", b"hevc", b"hevx"):
        raise ValueError("it is a sequence; expected one picture")
    data = data[:_LONGEST_META]
    sizes, at = [], data.find(_SPATIAL_EXTENT)
    while at >= 0 and len(data) >= at + 16:
        sizes.append(struct.unpack_from(">II", data, at + 8))
        at = data.find(_SPATIAL_EXTENT, at + 4, at + 65536)
    if not sizes:
        raise ValueError("it states no size")
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return ImageHeader(kind, width, height)


def has_clean_aperture(data: bytes) -> bool:
    """Return whether a HEIC or AVIF shows a part of what it codes (ISO/IEC 23008-12, 6.5.8)."""
    return _CLEAN_APERTURE in data[:_LONGEST_META]


def _table_length(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    while length := data[at]:
        at += 1 + length
    return at + 1
