"""What a DICOM header says of the image, for the input gate and for a person to read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from domains.xray.decoding.display import unclear
from domains.xray.decoding.values import (
    code_of,
    is_stated,
    items_of,
    list_values,
    text_of,
    value_of,
    whole_of,
)

if TYPE_CHECKING:
    from pydicom import Dataset

# As the standard writes it (045Y), and as devices and people do: 0045Y, 45 years, 3 MONTHS.
_AGE = re.compile(r"0*(\d{1,3}) *(?:([DWMY])|(DAY|WEEK|MONTH|YEAR|YR)S?)?\.?")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0, "": 1.0}
_DATE = re.compile(r"(\d{4})([.-]?)(\d{2})\2(\d{2})")
_DATES = ("StudyDate", "AcquisitionDate", "SeriesDate", "ContentDate")
_OLDEST = 130
_STAT = frozenset({"STAT", "S", "URGENT", "EMERGENCY", "EMERGENT", "CRITICAL", "ASAP", "A"})
_OVERLAY_GROUPS = range(0x6000, 0x6020, 2)

_CAMERA = ("Manufacturer", "ManufacturerModelName", "StationName", "DetectorID")
_LONGEST_CAMERA = 120
_TEXTS = {
    "patient_name": "PatientName",
    "patient_id": "PatientID",
    "patient_issuer": "IssuerOfPatientID",
    "patient_birth_date": "PatientBirthDate",
    "patient_sex": "PatientSex",
    "patient_age": "PatientAge",
    "accession": "AccessionNumber",
    "study_uid": "StudyInstanceUID",
    "series_uid": "SeriesInstanceUID",
    "sop_uid": "SOPInstanceUID",
    "sop_class": "SOPClassUID",
    "modality": "Modality",
    "view": "ViewPosition",
    "body_part": "BodyPartExamined",
    "study_date": "StudyDate",
    "study_time": "StudyTime",
    "study_description": "StudyDescription",
    "institution": "InstitutionName",
    "station": "StationName",
    "photometric": "PhotometricInterpretation",
    "rows": "Rows",
    "columns": "Columns",
    "burned_in": "BurnedInAnnotation",
}


@dataclass(frozen=True, slots=True)
class DicomHeader:
    """What the input gate looks at; codes are upper case, empty = not stated.

    Attributes:
        modality: Modality.
        body_part: BodyPartExamined.
        regions: Code values of AnatomicRegionSequence.
        view: ViewPosition.
        view_codes: Code values of ViewCodeSequence.
        position: PatientPosition.
        orientation: First letters of PatientOrientation along the rows and down the columns.
        intent: PresentationIntentType.
        for_processing: Whether the SOP class is the one for processing.
        frames: Number of frames.
        photometric: PhotometricInterpretation.
        rows: Height in pixels.
        columns: Width in pixels.
        bits: BitsStored.
        age_years: Age at the study; None where nothing is stated, NaN where what is stated says no
            age.
        unclear: What of its display it states and nobody can apply (``window``).
    """

    modality: str
    body_part: str
    regions: tuple[str, ...]
    view: str
    view_codes: tuple[str, ...]
    position: str
    orientation: tuple[str, ...]
    intent: str
    for_processing: bool
    frames: int
    photometric: str
    rows: int
    columns: int
    bits: int
    age_years: float | None
    unclear: tuple[str, ...] = ()


def header_of(dataset: Dataset) -> DicomHeader:
    """Return what the gate looks at."""
    return DicomHeader(
        modality=code_of(dataset, "Modality"),
        body_part=code_of(dataset, "BodyPartExamined"),
        regions=_codes(dataset, "AnatomicRegionSequence"),
        view=code_of(dataset, "ViewPosition"),
        view_codes=_codes(dataset, "ViewCodeSequence"),
        position=code_of(dataset, "PatientPosition"),
        orientation=tuple(
            str(one)[:1].upper() for one in list_values(value_of(dataset, "PatientOrientation"))
        ),
        intent=code_of(dataset, "PresentationIntentType"),
        for_processing=text_of(dataset, "SOPClassUID") == "1.2.840.10008.5.1.4.1.1.1.1.1",
        frames=whole_of(dataset, "NumberOfFrames") or 1,
        photometric=code_of(dataset, "PhotometricInterpretation"),
        rows=whole_of(dataset, "Rows") or 0,
        columns=whole_of(dataset, "Columns") or 0,
        bits=whole_of(dataset, "BitsStored") or 0,
        age_years=_age_years(dataset),
        unclear=tuple(unclear(dataset)),
    )


def meta_of(dataset: Dataset) -> Mapping[str, str]:
    """Return what the file states, for display and the order of a worklist, without gaps."""
    meta = {name: text_of(dataset, keyword) for name, keyword in _TEXTS.items()}
    meta["laterality"] = text_of(dataset, "ImageLaterality") or text_of(dataset, "Laterality")
    meta["camera"] = _camera(dataset)
    meta["priority"] = _priority(dataset)
    meta["spacing_mm"] = _spacing(dataset)
    overlays = sum((group, 0x0010) in dataset for group in _OVERLAY_GROUPS)
    meta["overlays"] = str(overlays) if overlays else ""
    return {name: text for name, text in meta.items() if text}


def _codes(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Return the codes of a sequence; ``OTHER`` for an item, or a sequence, without one to read."""
    codes = tuple(_code_value(item) for item in items_of(dataset, keyword))
    return codes or (("OTHER",) if is_stated(dataset, keyword) else ())


def _code_value(item: Dataset) -> str:
    keywords = ("CodeValue", "LongCodeValue", "URNCodeValue")
    text = next(filter(None, (text_of(item, one) for one in keywords)), "").upper()
    return text if re.fullmatch(r"[A-Z0-9.-]{1,16}", text) else "OTHER"


def _priority(dataset: Dataset) -> str:
    """Return STAT, HIGH or ROUTINE; empty where no priority is stated.

    Order systems write their own words and HL7's letters (table 0485) for STAT: a word too many
    read as STAT costs a place in the queue, one too few a patient.
    """
    stated = {
        code_of(one, keyword)
        for one in (dataset, *items_of(dataset, "RequestAttributesSequence"))
        for keyword in ("RequestedProcedurePriority", "StudyPriorityID")
    } - {""}
    if stated & _STAT:
        return "STAT"
    return "HIGH" if "HIGH" in stated else "ROUTINE" if stated else ""


def _camera(dataset: Dataset) -> str:
    """Return what took the image: maker, model, station and detector, those that are stated.

    Nothing of these is about a person; serial numbers are left out, which a repair changes.
    """
    words = (" ".join(text_of(dataset, keyword).split()) for keyword in _CAMERA)
    return " ".join(dict.fromkeys(filter(None, words)))[:_LONGEST_CAMERA]


def _spacing(dataset: Dataset) -> str:
    """Return row and column spacing at the patient, or else at the detector, in mm."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        values = list_values(value_of(dataset, keyword))
        try:
            row, column = (float(one) for one in values)
        except (ValueError, TypeError):
            continue
        if 0 < row < math.inf and 0 < column < math.inf:
            return f"{row:g} x {column:g}"
    return ""


def _age_years(dataset: Dataset) -> float | None:
    """Return PatientAge, bare digits as years, or else the age by the date of birth.

    What is stated and says no age is NaN: it must not pass for an age that nobody stated.
    """
    match = _AGE.fullmatch(text_of(dataset, "PatientAge").upper())
    if match:
        return int(match[1]) * _YEARS[(match[2] or match[3] or "")[:1]]
    born = _date(dataset, "PatientBirthDate")
    acquired = next(filter(None, (_date(dataset, keyword) for keyword in _DATES)), None)
    if born is not None and acquired is not None:
        years = (acquired - born).days / 365.25
        return years if 0 <= years <= _OLDEST else math.nan
    is_silent = not any(is_stated(dataset, one) for one in ("PatientAge", "PatientBirthDate"))
    return None if is_silent else math.nan


def _date(dataset: Dataset, keyword: str) -> date | None:
    """Return a date; devices also write it with dots, as ACR-NEMA did, and with dashes."""
    match = _DATE.fullmatch(text_of(dataset, keyword))
    try:
        return date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:
        return None
