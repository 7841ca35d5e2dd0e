"""Writes a computed radiograph as a Digital X-Ray object (DX for presentation, PS3.3 A.26)."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from domains.xray.demo.ct.detector import WHITE

if TYPE_CHECKING:
    from pydicom import Dataset

MARK = "Computed from CT, not a patient"
MADE_BY = "Assay computed radiographs"
DERIVATION = (
    "Digitally reconstructed radiograph: sums of attenuation along rays through a chest CT, with "
    "findings inserted by computation. Not an exposure of a patient, never evidence."
)
_FIRST = datetime(2026, 1, 5, 8, 0)
_PROJECTIONS = {
    "PA": ("272479007", "postero-anterior", ["L", "F"]),
    "AP": ("399348003", "antero-posterior", ["L", "F"]),
    "LL": ("399173006", "left lateral", ["P", "F"]),
}


@dataclass(frozen=True)
class Label:
    """What is written on a computed radiograph.

    Attributes:
        draw: Names the draw that it belongs to, by at most 8 letters and digits.
        number: Number of the made-up patient, from 1.
        image: Number of the picture in the study, from 1.
        projection: ``PA``, ``AP`` or ``LL``: what the header says it is.
        priority: ``STAT``, ``HIGH`` or ``ROUTINE``.
    """

    draw: str
    number: int
    image: int = 1
    projection: str = "PA"
    priority: str = "ROUTINE"

    @property
    def study_uid(self) -> str:
        """Name the study; the same draw and number give the same name."""
        return _uid("study", self.draw, self.number)

    @property
    def sop_uid(self) -> str:
        """Name the object."""
        return _uid("object", self.draw, self.number, self.image)


def digital_xray(pixels: NDArray[np.uint16], pitch_mm: float, label: Label) -> bytes:
    """Return a radiograph as a Part 10 file, explicit little endian, marked as computed.

    Args:
        pixels: uint16 ``h w`` of twelve bits, bright where little came through.
        pitch_mm: Distance between pixels at the detector.
        label: What is written on it.
    """
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

    data = _study(label)
    data.SOPClassUID = DigitalXRayImageStorageForPresentation
    data.SOPInstanceUID = label.sop_uid
    _describe(data, label)
    _measure(data, pixels, pitch_mm)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = BytesIO()
    data.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _study(label: Label) -> Dataset:
    """Return a data set with the patient, study, series and equipment modules."""
    from pydicom import Dataset

    taken = _FIRST + timedelta(minutes=4 * label.number)
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.PatientName = f"COMPUTED^{label.number:04}"
    data.PatientID = f"COMPUTED-{label.draw}-{label.number:04}"
    data.PatientBirthDate = data.PatientSex = ""
    data.StudyInstanceUID = label.study_uid
    data.StudyID = str(label.number)
    data.AccessionNumber = f"C{label.draw}-{label.number:04}"
    data.ReferringPhysicianName = ""
    data.StudyDescription = MARK
    if label.priority != "ROUTINE":
        data.RequestedProcedurePriority = label.priority
    data.StudyDate = data.SeriesDate = data.AcquisitionDate = data.ContentDate = f"{taken:%Y%m%d}"
    data.StudyTime = data.SeriesTime = data.AcquisitionTime = data.ContentTime = f"{taken:%H%M%S}"
    data.Modality = "DX"
    data.SeriesInstanceUID = _uid("series", label.draw, label.number, label.image)
    data.SeriesNumber = data.InstanceNumber = str(label.image)
    data.SeriesDescription = MARK
    data.PresentationIntentType = "FOR PRESENTATION"
    data.Manufacturer = data.ManufacturerModelName = MADE_BY
    data.InstitutionName = "Computed, no hospital"
    data.SoftwareVersions = data.DeviceSerialNumber = "none"
    return data


def _describe(data: Dataset, label: Label) -> None:
    """Fill what the DX modules say about anatomy, projection and origin."""
    code, meaning, orientation = _PROJECTIONS[label.projection]
    data.ImageType = ["DERIVED", "SECONDARY", ""]
    data.DerivationDescription = data.ImageComments = DERIVATION
    data.BodyPartExamined = "CHEST"
    data.AnatomicRegionSequence = [_coded("816094009", "Chest")]
    data.ImageLaterality = "U"
    data.ViewPosition = label.projection
    data.ViewCodeSequence = [_coded(code, meaning)]
    data.ViewCodeSequence[0].ViewModifierCodeSequence = []
    data.PatientOrientation = orientation
    data.AcquisitionContextSequence = []
    data.BurnedInAnnotation = "NO"
    data.LossyImageCompression = "00"


def _measure(data: Dataset, pixels: NDArray[np.uint16], pitch_mm: float) -> None:
    """Fill the pixels and how they are to be shown."""
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelRepresentation = 0
    data.PixelIntensityRelationship = "LOG"
    data.PixelIntensityRelationshipSign = -1
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = "0", "1", "US"
    data.PresentationLUTShape = "IDENTITY"
    data.WindowCenter, data.WindowWidth = str((WHITE + 1) // 2), str(WHITE + 1)
    data.WindowCenterWidthExplanation = "WHOLE RANGE"
    data.DetectorType = data.PositionerType = ""
    data.ImagerPixelSpacing = [f"{pitch_mm:.4f}"] * 2
    data.add_new("PixelData", "OW", pixels.astype("<u2").tobytes())


def _coded(value: str, meaning: str) -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def _uid(*words: object) -> str:
    """Return a UID under 2.25 made of what something is (PS3.5 B.2)."""
    digest = hashlib.sha256(" ".join(map(str, (MADE_BY, *words))).encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=4).int}"
