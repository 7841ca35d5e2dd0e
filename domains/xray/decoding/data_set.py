"""DICOM files as data sets, within a disposable process: whole, or as far as a header reads."""

from __future__ import annotations

import logging
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

from core.errors import AssayError, UnreadableImage
from domains.xray.decoding.syntaxes import DECODERS, DEFLATED, NATIVE
from domains.xray.decoding.values import list_values, text_of, value_of

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.dataelem import DataElement, RawDataElement
    from pydicom.tag import BaseTag

AGAIN = "Send the original object again."

_PREAMBLE = 128
_MAGIC_LENGTH = 4
_META_GROUP = 2
_PIXELS_GROUP = 0x7FE0
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_MOST_INFLATED = 256 * 1024
_UNDEFINED = 2**32 - 1
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_FRAGMENTS = b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff"  # compressed PixelData opens so
_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"


@contextmanager
def silence_pydicom() -> Iterator[None]:
    """Yield while nothing of pydicom and the decoders gets out: they quote the file's values.

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


def parse(data: bytes) -> tuple[Dataset, str]:
    """Return a whole data set and its transfer syntax, within ``silence_pydicom``.

    The deflated form is refused unread: it can inflate a thousandfold.

    Args:
        data: A whole file, DICM at 128.

    Raises:
        UnreadableImage: No transfer syntax, or deflated.
        Exception: Whatever pydicom raises on damaged data.
    """
    from pydicom import dcmread

    syntax, _ = _readable(data)
    return dcmread(BytesIO(data)), syntax


def parse_as_viewers(data: bytes) -> tuple[Dataset, str]:
    """Return a data set as viewers read it: what is damaged behind the pixels is left out.

    Args:
        data: A whole file, DICM at 128.

    Raises:
        UnreadableImage: No transfer syntax, or deflated.
        Exception: Whatever pydicom raises on what is damaged before the pixels.
    """
    syntax, content = _readable(data)
    if DECODERS.get(syntax) != NATIVE and _ends_with_fragment(content):
        content += _SEQUENCE_END
    dataset, error = _elements(content, syntax)
    if error is not None and not _PIXELS & dataset.keys():
        if isinstance(error, EOFError | OSError):
            message = "The DICOM file is cut short, or a sequence in it has no end."
            raise UnreadableImage(message, hint=AGAIN)
        raise error
    return dataset, syntax


def header(data: bytes) -> tuple[Dataset, str]:
    """Return what stands before the pixels as far as it reads, within ``silence_pydicom``.

    An element that is cut short is left out with all behind it: half a number is another one's.

    Args:
        data: A file or its beginning, DICM at 128.

    Returns:
        The data set and the transfer syntax, which is empty where none is named.

    Raises:
        UnreadableImage: Nothing of it reads.
        Exception: Whatever pydicom and zlib raise on a damaged beginning.
    """
    syntax, content = _meta(data)
    if syntax == DEFLATED:
        content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, _MOST_INFLATED)
    dataset, _ = _elements(content, syntax, _before_pixels)
    if not dataset:
        raise UnreadableImage("The DICOM header does not read.", hint=AGAIN)
    return dataset, syntax


def unknown_syntax(syntax: str) -> UnreadableImage:
    """Return that a transfer syntax is not read, by its name in the standard."""
    from pydicom import config
    from pydicom.uid import UID

    found = UID(syntax, config.IGNORE)
    known = found.name if found.is_transfer_syntax else "an unknown one"
    return UnreadableImage(
        f"The transfer syntax of the DICOM object is not read: expected uncompressed, RLE, JPEG, "
        f"JPEG-LS, JPEG 2000 or HTJ2K, got {known}.",
        hint="Have it sent in one of these.",
    )


def _readable(data: bytes) -> tuple[str, bytes]:
    """Return the transfer syntax and the data set, where both can be read at all."""
    syntax, content = _meta(data)
    if not syntax:
        raise UnreadableImage(
            "The DICOM file does not say how it is encoded: expected a transfer syntax in its "
            "header, got none.",
            hint=AGAIN,
        )
    if syntax == DEFLATED:
        raise unknown_syntax(syntax)
    return syntax, content


def _meta(data: bytes) -> tuple[str, bytes]:
    """Return the transfer syntax, empty where none is named, and what follows the file's header."""
    from pydicom.filereader import read_dataset

    file = BytesIO(data)
    file.seek(_PREAMBLE + _MAGIC_LENGTH)
    meta = read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=_after_meta)
    return text_of(meta, "TransferSyntaxUID"), data[file.tell() :]


def _ends_with_fragment(content: bytes) -> bool:
    """Return whether a file ends with its last fragment, without the delimiter due there."""
    at = content.find(_FRAGMENTS) + len(_FRAGMENTS)
    while at >= len(_FRAGMENTS) and content.startswith(_ITEM, at):
        at += 8 + int.from_bytes(content[at + 4 : at + 8], "little")
    return at == len(content)


def _elements(
    content: bytes, syntax: str, stop_when: Callable[..., bool] | None = None
) -> tuple[Dataset, Exception | None]:
    """Return elements up to the first that is damaged or cut short, and what is wrong there."""
    from pydicom import Dataset
    from pydicom.filereader import data_element_generator

    # By its first element, as viewers do: some writers name one encoding and use another.
    is_implicit = not (content[4:6].isalpha() and content[4:6].isupper())
    is_little = syntax != _BIG_ENDIAN
    elements: dict[BaseTag, RawDataElement | DataElement] = {}
    error: Exception | None = None
    try:
        for one in data_element_generator(BytesIO(content), is_implicit, is_little, stop_when):
            if stop_when is not None and _is_cut(one):
                break
            elements[one.tag] = one
    except Exception as exc:  # whatever pydicom raises on an untrusted file
        error = exc
    dataset = Dataset(elements)
    dataset.set_original_encoding(is_implicit, is_little, _character_set(dataset))
    return dataset, error


def _is_cut(element: RawDataElement | DataElement) -> bool:
    declared = getattr(element, "length", 0)  # sequences have none
    return len(element.value or b"") < declared < _UNDEFINED


def _character_set(dataset: Dataset) -> list[str]:
    """Return Python's names of a data set's character sets; of the default where it names none.

    Who writes other letters than ASCII and names ISO_IR 6, which has none, names none.
    """
    from pydicom.charset import convert_encodings

    named = [str(one).strip() for one in list_values(value_of(dataset, "SpecificCharacterSet"))]
    is_named = any(one not in ("", "ISO_IR 6") for one in named)
    return convert_encodings(named if is_named else [_default_character_set()])


@cache
def _default_character_set() -> str:
    # Imported late: it takes a tenth of a second, and most files name their character set.
    from core.settings import Settings

    return Settings().character_set


def _after_meta(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group != _META_GROUP


def _before_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group >= _PIXELS_GROUP
