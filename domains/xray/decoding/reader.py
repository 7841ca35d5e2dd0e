"""How radiographs of the chest are read: DICOM or a picture, grey and whole, past a first gate."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from core.errors import UnreadableImage
from core.imaging import square
from core.imaging.decode import decode
from core.types import U8, Description, Finding, Frame, Prepared, Reason
from domains.xray.decoding import gate

COLOURED = 30  # grey levels between the strongest and the weakest channel of a pixel
MOST_COLOUR = 0.05
COARSE = 32
MIDDLE = np.s_[8:22, 14:18]
LUNGS = (np.s_[8:22, 6:12], np.s_[8:22, 20:26])
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"RIFF", b"BM")
_PREAMBLE, _MAGIC = 128, b"DICM"
_GROUPS = (2, 8)  # what a data set without a file's header starts with


def read(data: bytes, max_pixels: int, min_side: int) -> Frame:
    """Return a DICOM image, or a radiograph saved as a picture, decoded.

    Args:
        data: The whole file; its name plays no part.
        max_pixels: Largest width times height that may be decoded.
        min_side: Smallest side in pixels that a reduced decode of a picture may return.

    Raises:
        UnreadableImage: Neither of both, or as ``dicom.read_dicom`` and ``decode`` say. What the
            file holds is not quoted.
    """
    if _is_dicom(data):
        # Imported late: pydicom takes half a second, and a queue of PNG files needs none of it.
        from domains.xray.decoding.dicom import read_dicom

        return read_dicom(data, max_pixels)
    if data.startswith(_PICTURES):
        return decode(data, max_pixels, min_side)
    if int.from_bytes(data[:2], "little") in _GROUPS and data[3:4] == b"\0":
        raise UnreadableImage(
            "The DICOM data set comes without the header of a DICOM file, so that nothing says how "
            "it is encoded.",
            hint="Export it as a DICOM file (PS3.10), or send it over the network.",
        )
    raise UnreadableImage(
        f"The {len(data)} bytes are neither a DICOM file nor a picture: expected DICM after 128 "
        f"bytes, or a JPEG, PNG, TIFF, BMP or WebP.",
        hint="Send the image itself.",
    )


def describe(data: bytes) -> Description:
    """Return what a DICOM file states of itself, whatever its pixels; a picture states nothing.

    Args:
        data: The whole file or its beginning.

    Raises:
        UnreadableImage: As ``dicom.describe_dicom`` says.
    """
    if not _is_dicom(data):
        return Description()
    from domains.xray.decoding.dicom import describe_dicom

    return describe_dicom(data)


def _is_dicom(data: bytes) -> bool:
    return data[_PREAMBLE : _PREAMBLE + len(_MAGIC)] == _MAGIC


def prepare(frame: Frame, size: int) -> Prepared:
    """Return a radiograph shrunk to the network's square, checked to be one and measured.

    The shape and the size of the source are no measures here: both differ between machines, and
    between exports of one machine, without a loss of quality.

    Args:
        frame: Grey or RGB of any depth; small coloured marks are turned grey.
        size: Side in pixels of the square.

    Returns:
        Three equal grey channels; WRONG_INPUT for a colour picture, for a negative and for one that
        is mostly border.
    """
    ready = square.prepare(frame, size)
    grey: U8 = np.asarray(cv2.cvtColor(ready.pixels, cv2.COLOR_RGB2GRAY))
    measures = {name: x for name, x in ready.measures.items() if name not in square.SHAPE}
    return replace(
        ready,
        pixels=np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)),
        findings=(*ready.findings, *_colour(ready.pixels), *gate.picture_findings(grey)),
        measures={**measures, "middle over lungs": _middle_over_lungs(grey)},
    )


def _colour(pixels: U8) -> tuple[Finding, ...]:
    red, green, blue = cv2.split(pixels)
    strongest = cv2.max(cv2.max(red, green), blue)
    weakest = cv2.min(cv2.min(red, green), blue)
    coloured = cv2.compare(cv2.subtract(strongest, weakest), COLOURED, cv2.CMP_GT)
    share = cv2.countNonZero(coloured) / coloured.size
    if share <= MOST_COLOUR:
        return ()
    detail = (
        f"not a radiograph: expected a grey picture with at most {MOST_COLOUR:.0%} of it coloured, "
        f"got {share:.0%}."
    )
    return (Finding(Reason.WRONG_INPUT, detail, "colour"),)


def _middle_over_lungs(grey: U8) -> float:
    """Return how much brighter, from -1 to 1, spine and heart are than the fields beside them.

    A frontal chest shows a bright band between two dark lungs; a lateral one, a limb or an
    inverted picture mostly does not.
    """
    coarse = cv2.resize(grey, (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    lungs = np.mean([coarse[place].mean() for place in LUNGS])
    return float(coarse[MIDDLE].mean() - lungs) / 255
