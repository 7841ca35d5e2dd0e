"""The first directory of a TIFF, which is also how EXIF is stored."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

ByteOrder = Literal["little", "big"]

WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION = 256, 257, 258, 262, 274
SAMPLES, PLANAR, SUBFILE, TILE_WIDTH = 277, 284, 254, 322
_WANTED = {WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION, SAMPLES, PLANAR, SUBFILE, TILE_WIDTH}
_BYTES_OF_TYPE = {1: 1, 3: 2, 4: 4}
_LONGEST_CHAIN = 64


@dataclass(frozen=True, slots=True)
class Directory:
    """One image file directory: whole-number tags that matter here, and where the next one is."""

    tags: dict[int, tuple[int, ...]]
    next_at: int

    def first(self, tag: int, default: int) -> int:
        """Return the first value of a tag, or the default where it is missing."""
        return self.tags.get(tag, (default,))[0]

    @property
    def is_page(self) -> bool:
        """Return whether it is a picture of its own, not a thumbnail (bit 0) or a mask (bit 2)."""
        return self.first(SUBFILE, 0) & 0b101 == 0


def directories(data: bytes) -> list[Directory]:
    """Return the chain of directories of a TIFF (TIFF 6.0, section 2).

    Args:
        data: A whole TIFF, or the body of an EXIF block.

    Raises:
        ValueError: It does not start like a TIFF, is cut short, or chains without end.
    """
    order = _byte_order(data)
    at = int.from_bytes(data[4:8], order)
    found: list[Directory] = []
    while at:
        if len(found) == _LONGEST_CHAIN:
            raise ValueError(f"more than {_LONGEST_CHAIN} pages")
        found.append(_directory(data, at, order))
        at = found[-1].next_at
    return found


def exif_orientation(data: bytes) -> int:
    """Return the orientation 1 to 8 of an EXIF block; 1 where it is missing or damaged.

    A damaged EXIF block does not make a picture unreadable: viewers show it as stored.
    """
    try:
        order = _byte_order(data)
        directory = _directory(data, int.from_bytes(data[4:8], order), order)
    except ValueError:
        return 1
    value = directory.first(ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def _byte_order(data: bytes) -> ByteOrder:
    if data[:4] == b"II*\0":
        return "little"
    if data[:4] == b"MM\0*":
        return "big"
    raise ValueError("no TIFF header")


def _directory(data: bytes, at: int, order: ByteOrder) -> Directory:
    mark = "<" if order == "little" else ">"
    try:
        (count,) = struct.unpack_from(f"{mark}H", data, at)
        entries = list(struct.iter_unpack(f"{mark}HHI4s", _cut(data, at + 2, 12 * count)))
        (next_at,) = struct.unpack_from(f"{mark}I", data, at + 2 + 12 * count)
    except struct.error as exc:
        raise ValueError("its directory is cut short") from exc
    tags = {}
    for tag, kind, number, inline in entries:
        if tag in _WANTED and kind in _BYTES_OF_TYPE and 1 <= number <= 16:
            width = _BYTES_OF_TYPE[kind]
            raw = inline
            if width * number > 4:
                raw = _cut(data, int.from_bytes(inline, order), width * number)
            tags[tag] = tuple(
                int.from_bytes(raw[i : i + width], order) for i in range(0, width * number, width)
            )
    return Directory(tags, next_at)


def _cut(data: bytes, at: int, length: int) -> bytes:
    piece = data[at : at + length]
    if len(piece) != length:
        raise ValueError("its directory is cut short")
    return piece
