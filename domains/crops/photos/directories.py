"""Directories of a TIFF, which is how EXIF is stored, with their values as they are written.

Numbers are not rounded and not repaired: what a zero denominator or a missing reference means is
for `domains.crops.photos.place` to decide (TIFF 6.0, section 2; Exif 2.32, section 4.6).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ByteOrder = Literal["<", ">"]
Rational = tuple[int, int]

XMP, SUB_DIRECTORIES, EXIF, GPS = 700, 330, 34665, 34853
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_WHOLE = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I"}
_RATIONAL, _SIGNED_RATIONAL = 5, 10
_MOST_ENTRIES, _MOST_SUB_DIRECTORIES, _MOST_VALUES = 512, 16, 64
_LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class TagValue:
    """One value of a directory.

    Attributes:
        kind: Its type, a number of TIFF 6.0.
        raw: Its bytes.
        order: Their order.
    """

    kind: int
    raw: bytes
    order: ByteOrder

    def whole(self) -> tuple[int, ...]:
        """Return its whole numbers; none where it holds others."""
        mark = _WHOLE.get(self.kind)
        if mark is None:
            return ()
        count = min(len(self.raw) // _SIZES[self.kind], _MOST_VALUES)
        return struct.unpack_from(f"{self.order}{count}{mark}", self.raw)

    def rationals(self) -> tuple[Rational, ...]:
        """Return its fractions, signed or not, as numerator and denominator; none if not such."""
        mark = {_RATIONAL: "I", _SIGNED_RATIONAL: "i"}.get(self.kind)
        if mark is None:
            return ()
        count = min(len(self.raw) // 8, _MOST_VALUES)
        flat = struct.unpack_from(f"{self.order}{2 * count}{mark}", self.raw)
        return tuple(zip(flat[::2], flat[1::2], strict=True))

    def text(self) -> str:
        """Return its text up to the first null, of printable characters, without blanks around.

        What moves the cursor of a terminal or turns the direction of a line is left out.
        """
        text = self.raw[:_LONGEST_TEXT].partition(b"\0")[0].decode("utf-8", "replace")
        return "".join(char for char in text if char.isprintable()).strip()


Directory = Mapping[int, TagValue]


@dataclass(frozen=True, slots=True)
class Directories:
    """What a TIFF or an EXIF block holds, as far as it matters here.

    Attributes:
        image: The first directory.
        exif: The one of the camera's settings; empty where there is none.
        gps: The one of the place; None where there is none, empty where it holds nothing.
        packets: XMP, of the first directory and of those below it.
    """

    image: Directory
    exif: Directory
    gps: Directory | None
    packets: tuple[bytes, ...]


def read_directories(data: bytes) -> Directories:
    """Return the directories of a whole TIFF, or of the body of an EXIF block.

    Args:
        data: Untrusted bytes; entries that lie outside of them are left out.

    Raises:
        ValueError: It does not start like a TIFF.
    """
    order: ByteOrder
    if data[:4] == b"II*\0":
        order = "<"
    elif data[:4] == b"MM\0*":
        order = ">"
    else:
        raise ValueError("no TIFF header")
    image = _directory(data, int.from_bytes(data[4:8], _name(order)), order)
    below = [_directory(data, at, order) for at in _pointers(image, SUB_DIRECTORIES)]
    gps = [_directory(data, at, order) for at in _pointers(image, GPS)]
    exif = [_directory(data, at, order) for at in _pointers(image, EXIF)]
    packets = tuple(one[XMP].raw for one in (image, *below) if XMP in one)
    return Directories(image, exif[0] if exif else {}, gps[0] if gps else None, packets)


def _pointers(directory: Directory, tag: int) -> tuple[int, ...]:
    entry = directory.get(tag)
    return entry.whole()[:_MOST_SUB_DIRECTORIES] if entry is not None else ()


def _directory(data: bytes, at: int, order: ByteOrder) -> Directory:
    count = int.from_bytes(data[at : at + 2], _name(order))
    found: dict[int, TagValue] = {}
    for index in range(min(count, _MOST_ENTRIES)):
        place = at + 2 + 12 * index
        if len(data) < place + 12:
            break
        tag, kind, number = struct.unpack_from(f"{order}HHI", data, place)
        length = _SIZES.get(kind, 0) * number
        start = place + 8
        if length > 4:
            (start,) = struct.unpack_from(f"{order}I", data, start)
        if length and start + length <= len(data):
            found.setdefault(tag, TagValue(kind, data[start : start + length], order))
    return found


def _name(order: ByteOrder) -> Literal["little", "big"]:
    return "little" if order == "<" else "big"
