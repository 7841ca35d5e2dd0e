"""DICOM objects to frames: the one border to pydicom, which runs in a disposable process only."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.types import Description, Frame
from domains.xray.decoding import gate
from domains.xray.decoding.data_set import header, parse_as_viewers, silence_pydicom, unknown_syntax
from domains.xray.decoding.display import display_table
from domains.xray.decoding.geometry import Geometry, geometry_of
from domains.xray.decoding.header import header_of, meta_of
from domains.xray.decoding.pixels import decode_frame, patterns, value_range
from domains.xray.decoding.syntaxes import DECODERS
from domains.xray.decoding.values import code_of, text_of

if TYPE_CHECKING:
    from pydicom import Dataset


def read_dicom(data: bytes, max_pixels: int) -> Frame:
    """Return the first frame of a DICOM image as a viewer shows it, bones bright.

    What is no frontal chest radiograph decodes all the same where that is possible and carries
    findings that say so.

    Args:
        data: The whole file, DICM at 128.
        max_pixels: Largest rows times columns that may be decoded.

    Returns:
        uint16 ``h w 1`` over the full 16 bits (8 or 16 bits ``h w 3`` for colour); ``meta``,
        ``stated`` and ``group`` as the header says.

    Raises:
        UnreadableImage: A transfer syntax that is not read, no pixels, too large,
            cut short or damaged. The message quotes no value of the file.
    """
    with silence_pydicom():
        return _read(data, max_pixels)


def describe_dicom(data: bytes) -> Description:
    """Return what a DICOM file states of itself, whatever its pixels are like.

    Args:
        data: The file or its beginning, DICM at 128.

    Raises:
        UnreadableImage: Nothing of its header reads. The message quotes no value of the file.
    """
    with silence_pydicom():
        dataset, syntax = header(data)
        return _described(dataset, syntax)


def _read(data: bytes, max_pixels: int) -> Frame:
    dataset, syntax = parse_as_viewers(data)
    geometry = geometry_of(dataset, max_pixels)
    if syntax not in DECODERS:
        raise unknown_syntax(syntax)
    pixels, window = _shown(dataset, geometry, syntax)
    stated, described = header_of(dataset), _described(dataset, syntax)
    return Frame(
        pixels=pixels,
        bit_depth=8 * pixels.dtype.itemsize,
        sha256=hashlib.sha256(data).hexdigest(),
        source_size=(geometry.rows, geometry.columns),
        meta={**described.meta, **({"window": window} if window else {})},
        findings=gate.header_findings(stated),
        stated={} if stated.age_years is None else {"age_years": stated.age_years},
        group=described.group,
    )


def _described(dataset: Dataset, syntax: str) -> Description:
    meta = {**meta_of(dataset), **({"transfer_syntax": syntax} if syntax else {})}
    return Description(meta, text_of(dataset, "StudyInstanceUID"))


def _shown(dataset: Dataset, geometry: Geometry, syntax: str) -> tuple[NDArray[Any], str]:
    if not geometry.grey:
        return _colour(dataset, geometry, syntax), ""
    # As geometry_of read them: decoders take neither small letters nor 0 frames.
    dataset.PhotometricInterpretation = code_of(dataset, "PhotometricInterpretation")
    dataset.NumberOfFrames = geometry.frames
    stored, bits = patterns(dataset, geometry, syntax)
    used = value_range(stored, bits, signed=geometry.signed)
    table, window = display_table(dataset, bits, used, signed=geometry.signed)
    return np.take(table, stored, mode="clip")[:, :, None], window


def _colour(dataset: Dataset, geometry: Geometry, syntax: str) -> NDArray[Any]:
    """Return a colour image as RGB, whichever way it was stored; it is out of scope anyway."""
    from pydicom.pixels.processing import apply_color_lut

    pixels, _ = decode_frame(dataset, geometry, syntax)
    if pixels.ndim == 2:
        pixels = apply_color_lut(pixels, dataset)
    return np.ascontiguousarray(pixels.view(f"u{pixels.dtype.itemsize}"))
