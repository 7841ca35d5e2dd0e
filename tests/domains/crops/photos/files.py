"""Photos made byte by byte, so that each fault of a camera or a phone can be written down."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SIGNED_RATIONAL = 1, 2, 3, 4, 5, 7, 10
DJI = "http://www.dji.com/drone-dji/1.0/"
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 10: 8}


def text(value: str):
    return ASCII, value.encode() + b"\0"


def rationals(*pairs: tuple[int, int], signed: bool = False):
    mark = "i" if signed else "I"
    raw = b"".join(struct.pack(f">{mark}{mark}", *pair) for pair in pairs)
    return (SIGNED_RATIONAL if signed else RATIONAL), raw


def short(value: int):
    return SHORT, struct.pack(">H", value)


def gps_at(latitude, longitude, north="N", east="E", **more):
    """Entries of a GPS directory; latitude and longitude as three fractions each."""
    entries = {1: text(north), 2: rationals(*latitude), 3: text(east), 4: rationals(*longitude)}
    return entries | more.get("entries", {})


BERLIN = gps_at([(52, 1), (31, 1), (120, 10)], [(13, 1), (24, 1), (180, 10)])
"""52.52 north, 13.405 east."""


def tiff(image=None, exif=None, gps=None, below=()) -> bytes:
    """An EXIF block or a TIFF without pixels, big-endian: directories of tag to (type, bytes)."""
    parts = [dict(image or {}), *(dict(one) for one in (exif, gps) if one is not None)]
    parts += [dict(one) for one in below]
    pointers = (exif is not None) + (gps is not None) + bool(below)
    counts = [len(parts[0]) + pointers, *map(len, parts[1:])]
    sizes = [2 + 12 * count + 4 for count in counts]
    starts = [8 + sum(sizes[:i]) for i in range(len(parts))]
    number = 1
    for tag, given in ((34665, exif), (34853, gps)):
        if given is not None:
            parts[0][tag] = (LONG, struct.pack(">I", starts[number]))
            number += 1
    heap_at = 8 + sum(sizes)
    if below:
        parts[0][330] = (LONG, b"".join(struct.pack(">I", at) for at in starts[number:]))
    body, heap = b"", b""
    for entries in parts:
        body += struct.pack(">H", len(entries))
        for tag, (kind, raw) in sorted(entries.items()):
            count = len(raw) // _SIZES[kind]
            if len(raw) <= 4:
                value = raw.ljust(4, b"\0")
            else:
                value = struct.pack(">I", heap_at + len(heap))
                heap += raw + b"\0" * (len(raw) % 2)
            body += struct.pack(">HHI", tag, kind, count) + value
        body += bytes(4)
    return b"MM\0*" + struct.pack(">I", 8) + body + heap


def xmp(body: str = "", attributes: str = "", space: str = DJI, prefix: str = "drone-dji") -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:{prefix}="{space}" {attributes}>{body}'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def dji(form: str = "attribute", **values: str) -> bytes:
    if form == "element":
        return xmp("".join(f"<drone-dji:{n}>{v}</drone-dji:{n}>" for n, v in values.items()))
    return xmp(attributes=" ".join(f'drone-dji:{n}="{v}"' for n, v in values.items()))


def segment(body: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def pixels(width=64, height=48) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def jpeg(exif: bytes = b"", packets=(), size=(64, 48), more=b"") -> bytes:
    """A JPEG as Pillow writes it, with an EXIF block and XMP packets at its beginning."""
    file = io.BytesIO()
    Image.fromarray(pixels(*size)).save(file, "JPEG", quality=90)
    parts = [segment(b"Exif\0\0" + exif)] if exif else []
    parts += [segment(b"http://ns.adobe.com/xap/1.0/\0" + packet) for packet in packets]
    return file.getvalue()[:2] + b"".join(parts) + more + file.getvalue()[2:]
