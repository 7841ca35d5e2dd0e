"""What every DICOM object of ours has in common, and how it is written."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from domains.xray.decoding.source import MAKER, Source
from domains.xray.node.part10 import part10

if TYPE_CHECKING:
    from pydicom import Dataset

MODEL = "Assay X-ray prescreening"
NOTICE = "Research and decision support only, not for primary diagnosis."
SERIES = "Assay: research and decision support"
REPORT_SERIES, CAPTURE_SERIES = 7001, 7002
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"

_OPTIONAL = frozenset({"IssuerOfPatientID", "StudyDescription"})
_WORDLESS = frozenset({"SQ", "OB"})


def complete(dataset: Dataset, source: Source, at: datetime, version: str) -> None:
    """Write into an object whose patient and study it belongs to, and who made it when.

    What must be there is empty where the source does not say it; what may be missing is left out
    (types 2 and 3 of PS3.3).

    Args:
        dataset: The object; everything else is in it already.
        source: A header of the study.
        at: When it was decided, not when it was written: an object made again is the same.
        version: Version of the code that decided.
    """
    for name, text in source.context.items():
        if text or name not in _OPTIONAL:
            setattr(dataset, name, text)
    dataset.StudyInstanceUID = source.study
    local = at.astimezone()
    dataset.InstanceCreationDate = dataset.ContentDate = f"{local:%Y%m%d}"
    dataset.InstanceCreationTime = dataset.ContentTime = f"{local:%H%M%S}"
    dataset.Manufacturer = MAKER
    dataset.ManufacturerModelName = MODEL
    dataset.SoftwareVersions = version[:64]
    dataset.SeriesDescription = SERIES
    _write_character_set(dataset)


@contextmanager
def skip_validation() -> Iterator[None]:
    """Yield while pydicom and highdicom do not check, and quote, what an untrusted file states.

    A UID may break a rule, such as that of leading zeros, and must be named all the same.
    """
    from pydicom.config import disable_value_validation

    for name in ("highdicom", "pydicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with disable_value_validation():
        yield


def encode(dataset: Dataset) -> bytes:
    """Return an object as a canonical Part 10 file in Explicit VR Little Endian."""
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, False
    write_dataset(out, dataset)
    return part10(dataset.SOPClassUID, dataset.SOPInstanceUID, EXPLICIT_LITTLE, out.getvalue())


def _write_character_set(dataset: Dataset) -> None:
    """Name the smallest character set that holds every text; UTF-8 where Latin 1 does not."""
    text = "".join(
        str(element.value) for element in dataset.iterall() if element.VR not in _WORDLESS
    )
    if text.isascii():
        return
    latin = all(ord(letter) < 256 for letter in text)
    dataset.SpecificCharacterSet = "ISO_IR 100" if latin else "ISO_IR 192"
