"""How large a compressed frame says it is, before any decoder sees it: pure, no library."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_END = b"\xff\xd9"  # of a JPEG, a JPEG-LS and a JPEG 2000 codestream alike
_LONGEST_PADDING = 64
_JPEG, _J2K, _JP2 = b"\xff\xd8", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "
_FRAMES = (frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}) | {0xF7}  # 0xF7: JPEG-LS
_ALONE = {0x01, *range(0xD0, 0xD9)}


@dataclass(frozen=True, slots=True)
class Stream:
    """What a codestream's own header says.

    Attributes:
        rows: Height in pixels.
        columns: Width in pixels.
        samples: Components.
        bits: Precision of a sample.
    """

    rows: int
    columns: int
    samples: int
    bits: int


def describe(stream: bytes) -> Stream:
    """Return the size that a JPEG, JPEG-LS or JPEG 2000 codestream states.

    Args:
        stream: One encoded frame (ITU-T T.81 annex B, T.87 annex C, T.800 annex A).

    Raises:
        ValueError: It starts like none of these, is cut short or has no end.
    """
    if _END not in stream[-_LONGEST_PADDING:]:
        raise ValueError("its end is missing")
    try:
        if stream.startswith(_JPEG):
            return _jpeg(stream)
        return _jpeg2000(stream)
    except (struct.error, IndexError) as exc:
        raise ValueError("its header is cut short") from exc


def _jpeg(stream: bytes) -> Stream:
    at = 2
    while True:
        if stream[at] != 0xFF:
            raise ValueError("its header is damaged")
        marker = stream[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _FRAMES:
            bits, rows, columns, samples = struct.unpack_from(">BHHB", stream, at + 4)
            return Stream(rows, columns, samples, bits)
        elif marker in (0xD9, 0xDA):
            raise ValueError("it has no frame header")
        else:
            at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")


def _jpeg2000(stream: bytes) -> Stream:
    at = 0
    if stream.startswith(_JP2):  # wrapped in a file format, against the standard, but common
        at = stream.find(_J2K)
    if at < 0 or not stream.startswith(_J2K, at):
        raise ValueError("it starts like no codestream")
    right, bottom, left, top = struct.unpack_from(">IIII", stream, at + 8)
    (samples,) = struct.unpack_from(">H", stream, at + 40)
    return Stream(bottom - top, right - left, samples, (stream[at + 42] & 0x7F) + 1)
