"""DICOM objects to frames: the one border to pydicom, which runs in a disposable process only."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import AssayError, UnreadableImage
from core.types import Frame
from domains.xray.reading import gate
from domains.xray.reading.display import display_table
from domains.xray.reading.geometry import AGAIN, Geometry, geometry_of
from domains.xray.reading.header import header_of, meta_of
from domains.xray.reading.pixels import decoded, patterns
from domains.xray.reading.syntaxes import DECODERS, DEFLATED
from domains.xray.reading.values import text_of

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.tag import BaseTag

_PREAMBLE = 128
_MAGIC_LENGTH = 4
_META_GROUP = 2


@contextmanager
def discreet() -> Iterator[None]:
    """Let nothing of what pydicom and the decoders say get out: they quote the file's values.

    Raises:
        UnreadableImage: Instead of whatever they raise; of that, only its type is named.
    """
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (AssayError, MemoryError):
        raise
    except Exception as exc:
        raise UnreadableImage(
            f"The DICOM object is damaged: reading it ended in {type(exc).__name__}.", hint=AGAIN
        ) from None


def read_dicom(data: bytes, max_pixels: int) -> Frame:
    """Decode the first frame of a DICOM image to what a viewer shows, bones bright.

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
    with discreet():
        return _read(data, max_pixels)


def _read(data: bytes, max_pixels: int) -> Frame:
    dataset, syntax = parsed(data)
    geometry = geometry_of(dataset, max_pixels)
    if syntax not in DECODERS:
        raise _unknown_syntax(syntax)
    pixels, window = _shown(dataset, geometry, syntax)
    header = header_of(dataset)
    meta = {**meta_of(dataset), "transfer_syntax": syntax, "window": window}
    return Frame(
        pixels=pixels,
        bit_depth=8 * pixels.dtype.itemsize,
        sha256=hashlib.sha256(data).hexdigest(),
        source_size=(geometry.rows, geometry.columns),
        meta={name: text for name, text in meta.items() if text},
        findings=gate.said(header),
        stated={} if header.age_years is None else {"age_years": header.age_years},
        group=text_of(dataset, "StudyInstanceUID"),
    )


def _after_meta(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group != _META_GROUP


def parsed(data: bytes) -> tuple[Dataset, str]:
    """Read a data set and its transfer syntax, within ``discreet``.

    The deflated form is refused unread: it can inflate a thousandfold.

    Args:
        data: A whole file, DICM at 128.

    Raises:
        UnreadableImage: No transfer syntax, or deflated.
        Exception: Whatever pydicom raises on damaged data.
    """
    from pydicom import dcmread
    from pydicom.filereader import read_dataset

    file = BytesIO(data)
    file.seek(_PREAMBLE + _MAGIC_LENGTH)
    meta = read_dataset(
        file,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=_after_meta,
    )
    syntax = text_of(meta, "TransferSyntaxUID")
    if not syntax:
        raise UnreadableImage(
            "The DICOM file does not say how it is encoded: expected a transfer syntax in its "
            "header, got none.",
            hint=AGAIN,
        )
    if syntax == DEFLATED:
        raise _unknown_syntax(syntax)
    file.seek(0)
    return dcmread(file), syntax


def _unknown_syntax(syntax: str) -> UnreadableImage:
    from pydicom.uid import UID

    known = UID(syntax).name if UID(syntax).is_transfer_syntax else "an unknown one"
    return UnreadableImage(
        f"The transfer syntax of the DICOM object is not read: expected uncompressed, RLE, JPEG, "
        f"JPEG-LS, JPEG 2000 or HTJ2K, got {known}.",
        hint="Have it sent in one of these.",
    )


def _shown(dataset: Dataset, geometry: Geometry, syntax: str) -> tuple[NDArray[Any], str]:
    if not geometry.grey:
        return _colour(dataset, geometry, syntax), ""
    stored, bits = patterns(dataset, geometry, syntax)
    table, window = display_table(dataset, bits, signed=geometry.signed)
    return np.take(table, stored, mode="clip")[:, :, None], window


def _colour(dataset: Dataset, geometry: Geometry, syntax: str) -> NDArray[Any]:
    """Give a colour image as RGB, whichever way it was stored; it is out of scope anyway."""
    from pydicom.pixels.processing import apply_color_lut

    pixels, _ = decoded(dataset, geometry, syntax)
    if pixels.ndim == 2:
        pixels = apply_color_lut(pixels, dataset)
    return np.ascontiguousarray(pixels.view(f"u{pixels.dtype.itemsize}"))
