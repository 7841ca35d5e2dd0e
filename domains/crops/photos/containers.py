"""Where a photo's file keeps what it says about itself: EXIF and XMP, by the file's format.

Of a JPEG only what stands before its first scan counts. So of a multi-picture file (MPO, Ultra
HDR) the first picture alone is read, and the film at the end of a motion photo plays no part.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_GUID_LENGTH = 32
_LONGEST_EXTENDED = 1024 * 1024
_APP1, _START_OF_SCAN = 0xE1, 0xDA
_PNG_XMP = b"XML:com.adobe.xmp\0"


@dataclass(frozen=True, slots=True)
class Blocks:
    """The parts of a file that describe it.

    Attributes:
        exif: Body of the first EXIF block, from its TIFF header on; empty where there is none.
        packets: XMP packets in the order of the file, extended ones last.
    """

    exif: bytes = b""
    packets: tuple[bytes, ...] = ()


def find_blocks(data: bytes) -> Blocks:
    """Return what a file of any accepted format says about itself.

    Args:
        data: The whole file, untrusted.

    Raises:
        ValueError, OSError, struct.error: It is damaged where these blocks lie.
    """
    kind: Callable[[bytes], Blocks] | None = None
    if data.startswith(b"\xff\xd8\xff"):
        kind = _jpeg
    elif data.startswith((b"II*\0", b"MM\0*")):
        return Blocks(exif=data)
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        kind = _png
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = _webp
    elif data[4:8] == b"ftyp":
        kind = _heif
    return kind(data) if kind else Blocks()


def _jpeg(data: bytes) -> Blocks:
    exif, packets, extended = b"", [], []
    for body in _app1_segments(data):
        if body.startswith(_EXIF) and not exif:
            exif = body[len(_EXIF) :]
        elif body.startswith(_XMP):
            packets.append(body[len(_XMP) :])
        elif body.startswith(_EXTENDED):
            extended.append(body[len(_EXTENDED) :])
    return Blocks(exif, (*packets, *_assembled(extended, b"".join(packets))))


def _app1_segments(data: bytes) -> Iterator[bytes]:
    at = 2
    while at + 4 <= len(data):
        marker = data[at + 1]
        if data[at] != 0xFF or marker == 0xFF:
            at += 1
        elif marker <= 0x01 or 0xD0 <= marker <= 0xD9:
            at += 2
        elif marker == _START_OF_SCAN:
            return
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            if marker == _APP1:
                yield data[at + 4 : at + 2 + length]
            at += 2 + length


def _assembled(pieces: list[bytes], main: bytes) -> Iterator[bytes]:
    """Yield each extended packet that the main one names and that is there as a whole.

    XMP specification, part 3, 1.1.3.1: a GUID of 32 digits, the whole length, the piece's offset.
    """
    parts: dict[bytes, dict[int, bytes]] = {}
    lengths: dict[bytes, int] = {}
    for piece in pieces:
        guid = piece[:_GUID_LENGTH]
        if len(piece) < _GUID_LENGTH + 8 or guid not in main:
            continue
        whole, offset = struct.unpack_from(">II", piece, _GUID_LENGTH)
        lengths.setdefault(guid, whole)
        parts.setdefault(guid, {}).setdefault(offset, piece[_GUID_LENGTH + 8 :])
    for guid, found in parts.items():
        packet = b""
        while len(packet) < min(lengths[guid], _LONGEST_EXTENDED) and found.get(len(packet)):
            packet += found[len(packet)]
        if len(packet) == lengths[guid] <= _LONGEST_EXTENDED:
            yield packet


def _png(data: bytes) -> Blocks:
    exif, packets, at = b"", [], 8
    while len(name := data[at + 4 : at + 8]) == 4 and name != b"IEND":
        (length,) = struct.unpack_from(">I", data, at)
        body = data[at + 8 : at + 8 + length]
        if name == b"eXIf":
            exif = exif or body
        elif name == b"iTXt" and body.startswith(_PNG_XMP):
            is_compressed, text = body[len(_PNG_XMP)], body[len(_PNG_XMP) + 2 :]
            if not is_compressed:  # after the language and the translated keyword
                packets.append(text.split(b"\0", 2)[-1])
        at += 12 + length
    return Blocks(exif, tuple(packets))


def _webp(data: bytes) -> Blocks:
    exif, packets, at = b"", [], 12
    while len(name := data[at : at + 4]) == 4 and at + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        body = data[at + 8 : at + 8 + length]
        if name == b"EXIF":
            exif = exif or body.removeprefix(_EXIF)
        elif name == b"XMP ":
            packets.append(body)
        at += 8 + length + length % 2
    return Blocks(exif, tuple(packets))


def _heif(data: bytes) -> Blocks:
    """Return what Pillow finds; no pixel is decoded for it."""
    from pi_heif import register_heif_opener
    from PIL import Image  # only when such a picture comes

    register_heif_opener(thumbnails=False)
    try:
        with Image.open(io.BytesIO(data)) as image:
            exif, packet = image.info.get("exif") or b"", image.info.get("xmp") or b""
    except Image.DecompressionBombError as exc:
        raise ValueError(str(exc)) from exc
    return Blocks(bytes(exif).removeprefix(_EXIF), (bytes(packet),) if packet else ())
