"""Bar codes and matrix codes in a picture; a function of the sandbox, and of this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from core.imaging.decode import decode
from core.imaging.functions import Arguments, Output
from domains.parts.station.part_id import LONGEST_TEXT, CodeReading, is_settled
from domains.parts.station.recipe import PartIdOptions

FIND = f"{__name__}:find"

_SMALL_PIXELS = 2_000_000
_MOST_CODES = 64


def find(data: bytes, arguments: Arguments) -> Output:
    """Return a picture and its codes, decoded in different ways until enough agree on one id.

    Args:
        data: The picture's file.
        arguments: ``max_pixels``, and ``part_id``: what the recipe says of ids.

    Raises:
        UnreadableImage: It is no picture.
    """
    frame = decode(data, int(arguments["max_pixels"]), 0)
    options = PartIdOptions(**arguments["part_id"])
    found = read_codes(_grey(frame.pixels, frame.bit_depth), options)
    return Output(record={"codes": [[one.text, one.format, one.source] for one in found]})


def read_codes(grey: NDArray[np.uint8], options: PartIdOptions) -> list[CodeReading]:
    """Return the codes of a picture, as read in different ways until enough agree on one id.

    The ways differ in how they turn grey into black and white, or in scale and sharpness, so that
    two of them hardly make the same mistake.

    Args:
        grey: The picture.
        options: Which formats count, and how many decodings have to agree.
    """
    formats = formats_of(options)
    found: list[CodeReading] = []
    for name, picture, binarizer in _ways(grey):
        for code in zxingcpp.read_barcodes(picture, formats=formats, binarizer=binarizer):
            if len(code.text) <= LONGEST_TEXT and len(found) < _MOST_CODES:
                found.append(CodeReading(code.text, code.format.name, name))
        if is_settled(found, options):
            break
    return found


def formats_of(options: PartIdOptions) -> zxingcpp.BarcodeFormats:
    """Return the formats that a recipe names; all where it names none.

    Raises:
        ValueError: There is no such format.
    """
    names = ",".join(options.formats) or "AllReadable"
    return zxingcpp.barcode_formats_from_str(names)


def _ways(
    grey: NDArray[np.uint8],
) -> Iterator[tuple[str, NDArray[Any], zxingcpp.Binarizer]]:
    local = zxingcpp.Binarizer.LocalAverage
    yield "local threshold", grey, local
    yield "global threshold", grey, zxingcpp.Binarizer.GlobalHistogram
    factor = 2.0 if grey.size <= _SMALL_PIXELS else 0.5
    how = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    yield "other scale", cv2.resize(grey, None, fx=factor, fy=factor, interpolation=how), local
    yield "smoothed", cv2.GaussianBlur(grey, (0, 0), 1.0), local


def _grey(pixels: NDArray[Any], bit_depth: int) -> NDArray[np.uint8]:
    eight = pixels if bit_depth <= 8 else (pixels >> (bit_depth - 8)).astype(np.uint8)
    if eight.shape[2] == 1:
        return np.ascontiguousarray(eight[:, :, 0])
    return np.asarray(cv2.cvtColor(eight, cv2.COLOR_RGB2GRAY))
