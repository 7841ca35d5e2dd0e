"""The header of an untrusted DICOM file as plain text, read in a disposable process.

Answers go into the study that the file names, under the patient that it names: those words are
taken over as they stand, or left empty where their value representation does not allow them. They
are never cut or mended, which could make them another patient's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import UnreadableImage
from core.imaging.function_sandbox import FunctionSandbox
from core.imaging.functions import Arguments, Output
from core.settings import Settings
from core.types import Unreadable
from domains.xray.decoding.data_set import header as header_elements
from domains.xray.decoding.data_set import silence_pydicom
from domains.xray.decoding.values import is_stated, list_values, value_of

if TYPE_CHECKING:
    from pydicom import Dataset

MAKER = "Assay"

# What an answer takes over of the patient and the study (PS3.3 C.7.1.1, C.7.2.1).
CONTEXT = {
    "PatientName": "PN",
    "PatientID": "LO",
    "IssuerOfPatientID": "LO",
    "PatientBirthDate": "DA",
    "PatientSex": "CS",
    "StudyDate": "DA",
    "StudyTime": "TM",
    "StudyID": "SH",
    "AccessionNumber": "SH",
    "ReferringPhysicianName": "PN",
    "StudyDescription": "LO",
}
IDENTITY = ("PatientName", "PatientID", "IssuerOfPatientID")
"""Without these an answer would be another patient's, or nobody's: no answer leaves them out."""

_PLACE = {
    "SOPClassUID": "UI",
    "SOPInstanceUID": "UI",
    "SeriesInstanceUID": "UI",
    "StudyInstanceUID": "UI",
}
_REMARKS = {"LossyImageCompression": "CS"}
_REQUESTED = {**CONTEXT, **_PLACE, **_REMARKS}
# Space to tilde and everything above the C1 controls, but no backslash, which parts values.
_TEXT = r"[ -\[\]-~\u00a0-\U0010ffff]"
_NAME = rf"(?:(?!=){_TEXT}){{0,64}}"
_ALLOWED = {
    "PN": re.compile(rf"{_NAME}(?:={_NAME}){{0,2}}"),
    "LO": re.compile(rf"{_TEXT}{{0,64}}"),
    "SH": re.compile(rf"{_TEXT}{{0,16}}"),
    "CS": re.compile(r"[A-Z0-9 _]{0,16}"),
    "DA": re.compile(r"\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", re.ASCII),
    "TM": re.compile(r"(?:[01]\d|2[0-3])(?:[0-5]\d(?:[0-5]\d(?:\.\d{1,6})?)?)?", re.ASCII),
    "UI": re.compile(r"\d+(?:\.\d+)*", re.ASCII),
}
_LONGEST_UID = 64
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Source:
    """What an answer needs to know of an image.

    Attributes:
        sop_class: SOP Class UID.
        sop_instance: SOP Instance UID.
        series: Series Instance UID.
        study: Study Instance UID.
        context: Patient and study by DICOM keyword, every one of ``CONTEXT``, "" where the file
            says nothing that its value representation allows.
        lossy: Whether it was once compressed with loss.
        unusable: What of ``IDENTITY`` the file states and its value representation does not allow.
    """

    sop_class: str
    sop_instance: str
    series: str
    study: str
    context: Mapping[str, str]
    lossy: bool = False
    unusable: tuple[str, ...] = ()


READ = f"{__name__}:read_header"
Header = Mapping[str, str]
"""What a header states, by DICOM keyword."""


def sandbox(settings: Settings) -> FunctionSandbox[Header]:
    """Return the disposable process that ``sources`` reads in; enter it before use."""
    return FunctionSandbox(READ, settings, _header_of)


def _header_of(output: Output, _sha256: str) -> Header:
    if not all(isinstance(value, str) for value in output.record.values()):
        raise ValueError("header: expected texts")
    return output.record


def sources(box: FunctionSandbox[Header], files: Iterable[bytes]) -> list[Source | None]:
    """Return what answers need to know of untrusted files, by their headers.

    Args:
        box: What ``sandbox`` gave, entered.
        files: Whole files, taken one at a time.

    Returns:
        One for each file in order; None where it is no DICOM, or names no study to answer in.

    Raises:
        ConfigError: The disposable process cannot start at all.
    """
    # What is wrong with a file is the reader's business, and stands in its verdict.
    read = (box.call(data) for data in files)
    return [None if isinstance(one, Unreadable) else source_of(one) for one in read]


def source_of(stated: Header) -> Source | None:
    """Return what a header by DICOM keyword allows; None when it names no study or object."""
    kept = {keyword: _allowed(stated.get(keyword, ""), vr) for keyword, vr in _REQUESTED.items()}
    if not all(kept[keyword] for keyword in _PLACE):
        return None
    return Source(
        sop_class=kept["SOPClassUID"],
        sop_instance=kept["SOPInstanceUID"],
        series=kept["SeriesInstanceUID"],
        study=kept["StudyInstanceUID"],
        context={keyword: kept[keyword] for keyword in CONTEXT},
        lossy=kept["LossyImageCompression"] == "01",
        unusable=tuple(one for one in IDENTITY if stated.get(one) and not kept[one]),
    )


def _allowed(value: str, vr: str) -> str:
    fits = _ALLOWED[vr].fullmatch(value) and (vr != "UI" or len(value) <= _LONGEST_UID)
    return value if fits else ""


def read_header(data: bytes, _arguments: Arguments) -> Output:
    """Return the elements that answers need, by DICOM keyword.

    Raises:
        UnreadableImage: It is no DICOM file, or does not read.
    """
    if data[128:132] != b"DICM":
        raise UnreadableImage("It is no DICOM file.")
    with silence_pydicom():
        found, _ = header_elements(data)
        return Output(record={keyword: _stated_text(found, keyword) for keyword in _REQUESTED})


def _stated_text(found: Dataset, keyword: str) -> str:
    """Return an element as text; one stated that does not read as what no answer takes over."""
    text = "\\".join(map(str, list_values(value_of(found, keyword)))).strip(" \x00")
    return text[:_LONGEST] or ("\\" if is_stated(found, keyword) else "")
