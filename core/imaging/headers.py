"""What each accepted format says about itself before a pixel is decoded: pure, no library."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from core.imaging import tiff

_V3_SIZE = 56
_BAD_TIFF = "Assay reads grey, palette and RGB TIFF of 1, 8 or 16 bits, samples side by side"


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a picture's header says.

    Attributes:
        kind: ``JPEG``, ``PNG``, ``TIFF``, ``BMP`` or ``WebP``.
        width: Pixels a row, as stored.
        height: Rows, as stored.
        orientation: EXIF orientation 1 to 8; 5 to 8 swap width and height when upright.
        grey: Whether a JPEG has one component; False for the other formats.
        opaque: Whether a fourth channel means nothing, as in a BMP without a mask for alpha.
        cmyk: Whether a JPEG has four components.
        has_further: Whether a JPEG names further pictures and one of them is as large.
    """

    kind: str
    width: int
    height: int
    orientation: int = 1
    grey: bool = False
    opaque: bool = False
    cmyk: bool = False
    has_further: bool = False

    @property
    def upright_size(self) -> tuple[int, int]:
        """Height and width as a person sees the picture."""
        if self.orientation >= 5:
            return self.width, self.height
        return self.height, self.width


def png(data: bytes) -> ImageHeader:
    """Return the header, all chunks walked (PNG specification, third edition, section 5).

    Raises:
        ValueError: Cut short, or animated.
        struct.error: The bytes end inside the first chunk.
    """
    if data[12:16] != b"IHDR":
        raise ValueError("it does not start with IHDR")
    width, height = struct.unpack_from(">II", data, 16)
    at, orientation = 8, 1
    while (name := data[at + 4 : at + 8]) != b"IEND":
        if len(name) < 4:
            raise ValueError("its end is missing")
        length = int.from_bytes(data[at : at + 4], "big")
        if name == b"eXIf":
            orientation = tiff.exif_orientation(data[at + 8 : at + 8 + length])
        elif name == b"acTL" and int.from_bytes(data[at + 8 : at + 12], "big") > 1:
            raise ValueError("it is animated; expected one picture")
        at += 12 + length
    return ImageHeader("PNG", width, height, orientation)


def bmp(data: bytes) -> ImageHeader:
    """Return the header by the file and bitmap headers.

    The fourth byte of a pixel is alpha only where a header of 56 bytes or more gives it a mask
    (BITMAPV3INFOHEADER and later); elsewhere it is unused, whatever it holds.

    Raises:
        struct.error: The bytes end inside the header.
    """
    (header_size,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header_size == 12 else "<ii", data, 18)
    alpha = struct.unpack_from("<I", data, 66)[0] if header_size >= _V3_SIZE else 0
    return ImageHeader("BMP", width, abs(height), opaque=not alpha)


def webp(data: bytes) -> ImageHeader:
    """Return the header by the RIFF container and its first chunk (RFC 9649).

    Raises:
        ValueError: Cut short, animated, or an unknown first chunk.
        struct.error: The bytes end inside the first chunk.
    """
    if len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise ValueError("its end is missing")
    first = data[12:16]
    if first == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return ImageHeader("WebP", width & 0x3FFF, height & 0x3FFF)
    if first == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return ImageHeader("WebP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if first != b"VP8X":
        raise ValueError("its first chunk is unknown")
    if data[20] & 0x02:
        raise ValueError("it is animated; expected one picture")
    width, height = (int.from_bytes(data[i : i + 3], "little") + 1 for i in (24, 27))
    return ImageHeader("WebP", width, height, _webp_orientation(data))


def _webp_orientation(data: bytes) -> int:
    at = 12
    while len(name := data[at : at + 4]) == 4:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"EXIF":
            return tiff.exif_orientation(data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0"))
        at += 8 + length + length % 2
    return 1


def tiff_page(data: bytes) -> ImageHeader:
    """Return the header of a TIFF's one page; thumbnails and masks beside it do not count.

    A second page is refused, because judging the first alone would let a defect on the second
    through. Layouts that the decoder is known to turn or mix up silently are refused as well.

    Raises:
        ValueError: Cut short, not one page, or an unusual layout.
    """
    pages = [directory for directory in tiff.directories(data) if directory.is_page]
    if len(pages) != 1:
        raise ValueError(f"it has {len(pages)} pages; expected one")
    page = pages[0]
    orientation = page.first(tiff.ORIENTATION, 1)
    photometric = page.first(tiff.PHOTOMETRIC, 1)
    bits = set(page.tags.get(tiff.BITS, (1,)))
    if (
        photometric not in (0, 1, 2, 3, 6)
        or page.first(tiff.SAMPLES, 1) not in (1, 3, 4)
        or page.first(tiff.PLANAR, 1) != 1
        or bits not in ({1}, {8}, {16})
        or (photometric == 0 and bits == {16})
        or (tiff.TILE_WIDTH in page.tags and orientation != 1)
    ):
        raise ValueError(f"its layout is unusual; {_BAD_TIFF}")
    return ImageHeader(
        "TIFF",
        page.first(tiff.WIDTH, 0),
        page.first(tiff.HEIGHT, 0),
        orientation if 1 <= orientation <= 8 else 1,
    )
