"""The stored values of one frame: sizes are believed only after the header and the stream agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableImage
from domains.xray.decoding.data_set import AGAIN
from domains.xray.decoding.geometry import Geometry
from domains.xray.decoding.streams import describe
from domains.xray.decoding.syntaxes import DECODERS, JPEG_EXTENDED, NATIVE, OPENJPEG, RLE
from domains.xray.decoding.values import value_of

if TYPE_CHECKING:
    from pydicom import Dataset

_RLE_HEADER = 64
_MOST_RLE = 2  # times the pixels' own bytes; a sane encoder stays under 1.01

Values = NDArray[Any]  # uint8 to int16, h w or h w 3


def patterns(dataset: Dataset, geometry: Geometry, syntax: str) -> tuple[Values, int]:
    """Return the bit patterns that are stored in the first frame of a grey image.

    Returns:
        uint8 or uint16 ``h w``, and how many of their bits count: those that the header says, or
        those of the compressed stream where its values do not fit into these.

    Raises:
        UnreadableImage: As ``decode_frame``.
        Exception: Whatever a decoder raises on damaged data.
    """
    values, precision = decode_frame(dataset, geometry, syntax)
    unsigned = values.view(f"u{values.dtype.itemsize}")
    if precision == 0:
        unsigned = unsigned >> geometry.shift if geometry.shift else unsigned
    elif not geometry.signed and int(unsigned.max()) >= 2**geometry.stored:
        return unsigned, max(geometry.stored, precision)
    if geometry.stored < 8 * unsigned.dtype.itemsize:
        unsigned = unsigned & (2**geometry.stored - 1)
    return unsigned, geometry.stored


def value_range(stored: Values, bits: int, *, signed: bool) -> tuple[int, int]:
    """Return the lowest and the highest value that bit patterns of so many bits stand for."""
    if not signed:
        return int(stored.min()), int(stored.max())
    half = 2 ** (bits - 1)
    turned = stored ^ half  # orders two's complement
    return int(turned.min()) - half, int(turned.max()) - half


def decode_frame(dataset: Dataset, geometry: Geometry, syntax: str) -> tuple[Values, int]:
    """Return the first frame, by the one library that is trusted with its transfer syntax.

    Args:
        dataset: As pydicom read it.
        geometry: What ``geometry_of`` found.
        syntax: Transfer syntax UID, one of ``DECODERS``.

    Returns:
        Values in native byte order, ``h w``, or ``h w 3`` in RGB; and the precision that the
        compressed stream states, 0 where it states none.

    Raises:
        UnreadableImage: The compressed frame is cut short, or of another size than the header says.
        Exception: Whatever a decoder raises on damaged data.
    """
    from pydicom.pixels.decoders.base import get_decoder

    decoder = DECODERS[syntax]
    precision = 0
    if decoder == NATIVE:
        _check_length(dataset, geometry)
    else:
        stream = _first_frame(dataset, geometry)
        precision = _checked_precision(stream, geometry, syntax)
        if decoder == OPENJPEG:
            return _openjpeg(stream), precision
    values, _ = get_decoder(syntax).as_array(
        dataset,
        index=0,
        raw=geometry.grey,
        view_only=True,  # type: ignore[arg-type]  # pydicom's hint is of all options together
        correct_unused_bits=False,  # type: ignore[arg-type]  # it takes HighBit for granted
        decoding_plugin="" if decoder == NATIVE else decoder,
    )
    return np.ascontiguousarray(values, values.dtype.newbyteorder("=")), precision


def _check_length(dataset: Dataset, geometry: Geometry) -> None:
    frame = geometry.rows * geometry.columns * geometry.allocated // 8
    if value_of(dataset, "PhotometricInterpretation") == "YBR_FULL_422":
        frame *= 2
    else:
        frame *= geometry.samples
    got, expected = len(dataset.PixelData), frame * geometry.frames
    if got < expected:
        raise UnreadableImage(
            f"The DICOM pixels are cut short: expected {expected} bytes, got {got}.", hint=AGAIN
        )
    if got >= expected + frame:
        raise UnreadableImage(
            f"The DICOM object contradicts itself: {got} bytes of pixels hold more frames than the "
            f"{geometry.frames} that its header says.",
            hint=AGAIN,
        )


def _first_frame(dataset: Dataset, geometry: Geometry) -> bytes:
    from pydicom.encaps import get_frame

    offsets, lengths = (
        value_of(dataset, name) for name in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
    )
    return get_frame(
        dataset.PixelData,
        0,
        number_of_frames=geometry.frames,
        extended_offsets=(offsets, lengths) if offsets and lengths else None,
    )


def _checked_precision(stream: bytes, geometry: Geometry, syntax: str) -> int:
    """Return a compressed frame's precision; its size is the header's, so it cannot inflate."""
    if syntax == RLE:
        room = geometry.rows * geometry.columns * geometry.samples * geometry.allocated // 8
        if len(stream) > _MOST_RLE * room + _RLE_HEADER:
            raise UnreadableImage("The RLE data is longer than its pixels.", hint=AGAIN)
        return 0
    try:
        header = describe(stream)
    except ValueError as exc:
        message = f"The compressed DICOM pixels are damaged: {exc}."
        raise UnreadableImage(message, hint=AGAIN) from None
    expected = (geometry.rows, geometry.columns, geometry.samples)
    if (header.rows, header.columns, header.samples) != expected or header.bits > 16:
        raise UnreadableImage(
            f"The DICOM object contradicts itself: its header says {expected} (rows, columns, "
            f"samples), its data {(header.rows, header.columns, header.samples)} of {header.bits} "
            "bits.",
            hint=AGAIN,
        )
    if syntax == JPEG_EXTENDED and header.bits != 8:
        raise UnreadableImage(
            f"JPEG Extended of {header.bits} bits is not read: no free decoder does.",
            hint="Have it sent uncompressed, or as JPEG lossless, JPEG-LS or JPEG 2000.",
        )
    return header.bits


def _openjpeg(stream: bytes) -> Values:
    from openjpeg.utils import decode

    values = decode(stream)
    # A sign bit at the eighth bit has to reach those that the header counts.
    return values.astype(np.int16) if values.dtype == np.int8 else values
