"""What makes two DICOM files the same object, however each is encoded: digests of what they say.

A sender may write lengths, byte order, character set and lossless compression anew on the way. The
standard attributes are compared by value; private ones, group lengths, padding and empty ones are
left out, for archives add and drop them. Pixels are compared as values where the compression loses
nothing, else as the bytes that they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from core.imaging.functions import Arguments, Output
from domains.xray.decoding.data_set import parse_as_viewers, silence_pydicom
from domains.xray.decoding.geometry import geometry_of
from domains.xray.decoding.pixels import decode_frame, patterns
from domains.xray.decoding.syntaxes import LOSSLESS
from domains.xray.decoding.values import list_values

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.dataelem import DataElement

DATA_SET, PIXELS = "data set", "pixels"

_ENCODING = frozenset(
    {
        0x00080001,  # length to end
        0x00080005,  # character set
        0x00280006,  # planar configuration
        0xFFFCFFFC,  # padding
        *(0x7FE00000 + element for element in (1, 2, 3, 8, 9, 0x10)),
    }
)
_PHOTOMETRIC = 0x00280004
_AS_RGB = frozenset({"YBR_RCT", "YBR_ICT", "YBR_FULL", "YBR_FULL_422"})
_NUMBERS = frozenset({"DS", "FL", "FD"})


def digests(data: bytes, max_pixels: int) -> tuple[str, str]:
    """Return digests of the attributes and of the pixels; that of no pixels is empty.

    Args:
        data: A whole file, DICM at 128.
        max_pixels: As in ``dicom.read_dicom``.

    Raises:
        UnreadableImage: The file does not read.
    """
    with silence_pydicom():
        dataset, syntax = parse_as_viewers(data)
        attributes = hashlib.sha256("\n".join(_attributes(dataset)).encode())
        return attributes.hexdigest(), _pixels(dataset, syntax, max_pixels)


def _pixels(dataset: Dataset, syntax: str, max_pixels: int) -> str:
    if "PixelData" not in dataset:
        return ""
    if syntax in LOSSLESS:
        try:
            return _values(dataset, syntax, max_pixels)
        except Exception:
            pass
    return hashlib.sha256(syntax.encode() + dataset.PixelData).hexdigest()


def _values(dataset: Dataset, syntax: str, max_pixels: int) -> str:
    geometry = geometry_of(dataset, max_pixels)
    if geometry.frames > 1:
        raise ValueError("frames: expected one")
    read = patterns if geometry.grey else decode_frame
    values = read(dataset, geometry, syntax)[0]
    content = np.ascontiguousarray(values.astype("<i4"))
    return hashlib.sha256(f"{content.shape}".encode() + content.tobytes()).hexdigest()


def _attributes(dataset: Dataset, prefix: str = "") -> Iterator[str]:
    """Yield every attribute that says something, as a line, in the order of the tags."""
    for element in dataset:
        tag = element.tag
        if tag.is_private or tag.element == 0 or tag in _ENCODING:
            continue
        path = f"{prefix}{int(tag):08x}"
        if element.VR == "SQ":
            for number, item in enumerate(element.value or ()):
                yield from _attributes(item, f"{path}[{number}].")
        elif text := _text(element):
            yield f"{path}={text!r}"


def _text(element: DataElement) -> str:
    values = list_values(element.value)
    if element.VR in _NUMBERS:
        return "\\".join(f"{float(one):.9g}" if str(one) else "" for one in values)
    text = "\\".join(map(_plain, values)).strip(" \x00")
    return "RGB" if element.tag == _PHOTOMETRIC and text in _AS_RGB else text


def _plain(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, bytes):
        return value.rstrip(b"\x00").hex()
    return str(value).strip(" \x00").rstrip("^=")


def read_digests(data: bytes, arguments: Arguments) -> Output:
    """Return both digests of a file, worked out in a disposable process.

    Raises:
        UnreadableImage: The file does not read.
    """
    both = digests(data, arguments["max_pixels"])
    return Output(record=dict(zip((DATA_SET, PIXELS), both, strict=True)))
