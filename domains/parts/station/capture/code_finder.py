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
from domains.parts.station.capture.part_id import LONGEST_TEXT, CodeReading, is_settled
from domains.parts.station.part_id_options import PART_OF_OTHERS, PartIdOptions

FIND = f"{__name__}:find"

WEAKLY_CHECKED = frozenset(
    {
        *("EAN13", "EAN8", "EAN5", "EAN2", "ISBN", "UPCA", "UPCE", "ITF", "ITF14", "Codabar"),
        *("Code39", "Code39Std", "Code39Ext", "Code32", "PZN", "DXFilmEdge"),
        *("Telepen", "TelepenAlpha", "TelepenNumeric"),
    }
)
"""Bar codes with one check digit or none: one misreading in ten passes, in every way of reading."""

_SMALL_PIXELS = 2_000_000
_MOST_CODES = 64
_QUIET = 0.15
_LEAST_ROWS = 3
_ROWS = 24


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
            if len(found) < _MOST_CODES and _counts(code, picture, options):
                found.append(CodeReading(code.text, code.format.name, name))
        if is_settled(found, options):
            break
    return found


def formats_of(options: PartIdOptions) -> zxingcpp.BarcodeFormats:
    """Return the formats that a recipe names; all where it names none."""
    return zxingcpp.barcode_formats_from_str(",".join(options.formats) or "AllReadable")


def _counts(code: zxingcpp.Barcode, picture: NDArray[np.uint8], options: PartIdOptions) -> bool:
    kind = code.format.name
    if len(code.text) > LONGEST_TEXT:
        return False
    if kind == PART_OF_OTHERS and options.formats != (PART_OF_OTHERS,):
        return False
    return kind not in WEAKLY_CHECKED or _says_so_in_halves(picture, code)


def _says_so_in_halves(picture: NDArray[np.uint8], code: zxingcpp.Barcode) -> bool:
    """Return whether the upper and the lower half of a bar code each say the same.

    The bars are as long as they are so that they can be read again elsewhere: noise, scratches and
    dirt are not the same there.
    """
    place = code.position
    corners = np.array(
        [
            [p.x, p.y]
            for p in (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
        ],
        np.float32,
    )
    width = float(np.linalg.norm(corners[1] - corners[0]))
    rows = int(np.linalg.norm(corners[3] - corners[0]))
    if width < 1 or rows < 2 * _LEAST_ROWS:
        return False
    quiet = _QUIET * width
    target = np.array([[0, 0], [width, 0], [width, rows], [0, rows]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target + np.array([quiet, 0], np.float32))
    size = (round(width + 2 * quiet), rows)
    flat = cv2.warpPerspective(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return all(_says(half, code) for half in (flat[: rows // 2], flat[rows - rows // 2 :]))


def _says(bars: NDArray[np.uint8], code: zxingcpp.Barcode) -> bool:
    tall = cv2.resize(bars, (bars.shape[1], max(_ROWS, len(bars))), interpolation=cv2.INTER_NEAREST)
    again = zxingcpp.read_barcodes(
        tall, formats=zxingcpp.BarcodeFormats(code.format), try_rotate=False
    )
    return any(one.text == code.text for one in again)


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
