"""What a DICOM header says of its pixels, checked before any is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import UnreadableImage
from core.imaging.sniff import SMALLEST_SIDE
from domains.xray.decoding.data_set import AGAIN
from domains.xray.decoding.values import code_of, is_stated, whole_of

if TYPE_CHECKING:
    from pydicom import Dataset

GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
_NUMBERS = ("Rows", "Columns", "BitsAllocated", "BitsStored", "SamplesPerPixel")


@dataclass(frozen=True, slots=True)
class Geometry:
    """The Image Pixel module (PS3.3, C.7.6.3), checked.

    Attributes:
        rows: Height in pixels.
        columns: Width in pixels.
        samples: 1 or 3.
        allocated: Bits that a sample takes: 8 or 16.
        stored: Bits of it that carry the value.
        shift: Unused bits below these; almost always 0.
        signed: Whether the values are two's complement.
        frames: Number of frames.
        grey: Whether it is MONOCHROME1 or MONOCHROME2.
    """

    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    shift: int
    signed: bool
    frames: int
    grey: bool


def geometry_of(dataset: Dataset, max_pixels: int) -> Geometry:
    """Return what the header states of the pixels, checked before any is decoded.

    Raises:
        UnreadableImage: No pixels, a number is missing or impossible, or the picture is too large.
    """
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise UnreadableImage(
            "The DICOM object holds no pixels: expected an image, got a report, a plan, a waveform "
            "or a file that was cut short.",
            hint="Send the image itself.",
        )
    numbers = {name: whole_of(dataset, name) or 0 for name in _NUMBERS}
    missing = [name for name, number in numbers.items() if number < 1]
    frames = _frames(dataset)
    if frames is None:
        missing.append("NumberOfFrames")
    if missing or frames is None:
        raise UnreadableImage(
            f"The DICOM header does not describe its pixels: expected whole numbers above 0 in "
            f"{', '.join(missing)}.",
            hint=AGAIN,
        )
    return _checked(dataset, numbers, frames, max_pixels)


def _frames(dataset: Dataset) -> int | None:
    """Return the number of frames; 1 where it is 0, negative or empty, as viewers take it."""
    if not is_stated(dataset, "NumberOfFrames"):
        return 1
    frames = whole_of(dataset, "NumberOfFrames")
    return None if frames is None else max(frames, 1)


def _checked(dataset: Dataset, numbers: dict[str, int], frames: int, max_pixels: int) -> Geometry:
    rows, columns, allocated, stored, samples = (numbers[name] for name in _NUMBERS)
    _check_size(rows, columns, max_pixels)
    if "PixelData" not in dataset or allocated not in (8, 16) or samples not in (1, 3):
        raise UnreadableImage(
            f"The DICOM pixels are of a kind that is not read: expected 1 or 3 whole samples of 8 "
            f"or 16 bits, got {samples} of {allocated}.",
            hint="Send a radiograph of 8 to 16 bits.",
        )
    high = whole_of(dataset, "HighBit")
    shift = (stored - 1 if high is None else high) - (stored - 1)
    if shift < 0 or stored + shift > allocated:
        raise UnreadableImage(
            f"The DICOM header contradicts itself: {stored} bits stored up to bit {high} do not "
            f"fit into {allocated}.",
            hint=AGAIN,
        )
    return Geometry(
        rows=rows,
        columns=columns,
        samples=samples,
        allocated=allocated,
        stored=stored,
        shift=shift,
        signed=whole_of(dataset, "PixelRepresentation") == 1,
        frames=frames,
        grey=samples == 1 and code_of(dataset, "PhotometricInterpretation") in GREY,
    )


def _check_size(rows: int, columns: int, max_pixels: int) -> None:
    if min(rows, columns) < SMALLEST_SIDE:
        raise UnreadableImage(
            f"The DICOM image is too small: expected at least {SMALLEST_SIDE} pixels a side, "
            f"got {columns} x {rows}.",
            hint="Send the original image.",
        )
    if rows * columns > max_pixels:
        raise UnreadableImage(
            f"The DICOM image is too large: expected at most {max_pixels} pixels, "
            f"got {columns} x {rows} = {rows * columns}.",
            hint="Send a smaller image, or raise ASSAY_MAX_PIXELS.",
        )
