"""De-identification by the Basic Application Level Confidentiality Profile (PS3.15, annex E)."""

from __future__ import annotations

import csv
import hashlib
import hmac
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import UnreadableImage
from domains.xray.decoding.data_set import parse, silence_pydicom
from domains.xray.decoding.values import text_of

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.dataelem import DataElement

# Where the profile leaves a choice, the one that is valid in every kind of object.
_CHOICES = {"X/Z": "Z", "X/D": "D", "Z/D": "D", "X/Z/D": "D", "X/Z/U*": "U"}
_PSEUDONYMS = (0x00100010, 0x00100020)  # PatientName, PatientID
_KEPT_UIDS = (0x00080016, 0x00081150, 0x0008010C, 0x00080117, 0x00080118)  # classes, vocabularies
_STANDARD = "1.2.840.10008."
# Names, dates and free text: what the profile does not list of these goes as well.
_LOOSE = frozenset({"PN", "LT", "ST", "UC", "UR", "UT", "UN", "DA", "DT", "TM"})
_TEXTS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_NUMBERS = frozenset({"FL", "FD", "SL", "SS", "SV", "UL", "US", "UV"})
_DUMMIES = {
    **dict.fromkeys(_TEXTS, "REMOVED"),
    **dict.fromkeys(_NUMBERS, 0),
    "AS": "000Y",
    "DA": "19000101",
    "DS": "0",
    "DT": "19000101000000",
    "IS": "0",
    "TM": "000000",
}
_GRAPHICS = (0x50, 0x60)  # curves and overlays, by the upper half of their groups
_UNDEFINED = 0xFFFFFFFF
_OVERLAY_GROUPS = range(0x6000, 0x6020, 2)


def deidentify_data(data: bytes, key: bytes, *, keep_pixels: bool = False) -> tuple[str, bytes]:
    """Return a DICOM file without all that the profile calls identifying.

    Private attributes, curves and overlays go, sequences are cleaned item by item, pixels stay as
    they are. Stricter than the profile, names, dates and free text that it does not list go too.
    UIDs become others that depend on them and on the key alone, so that references hold across
    files; patient name and ID become one pseudonym, made in the same way.

    Args:
        data: The whole file.
        key: Secret; the same key gives the same UIDs and pseudonyms.
        keep_pixels: Take objects too that say that their pixels tell who it is.

    Returns:
        The new SOP Instance UID, and the new file.

    Raises:
        UnreadableImage: Not a DICOM file, damaged, deflated, or refused for its pixels. No value of
            the file is quoted.
    """
    if data[128:132] != b"DICM":
        raise UnreadableImage("It is no DICOM file.")
    with silence_pydicom():
        dataset, syntax = parse(data)
        _check_end(dataset)
        if not keep_pixels:
            _check_pixels(dataset)
        _clean(dataset, _Secret(key, _pseudonym(dataset, key)))
        _declare(dataset)
        return text_of(dataset, "SOPInstanceUID"), _written(dataset, syntax)


def other_uid(uid: str, key: bytes) -> str:
    """Return the UID that stands for another, by a keyed hash under the root of UUIDs, 2.25."""
    digest = hmac.digest(key, f"uid:{uid}".encode(), hashlib.sha256)
    return f"2.25.{int.from_bytes(digest[:16])}"


@dataclass(frozen=True, slots=True)
class _Secret:
    key: bytes
    patient: str


def _pseudonym(dataset: Dataset, key: bytes) -> str:
    """Return 16 hex digits for the patient, by ID and issuer, or else by name and date of birth."""
    for names in (("PatientID", "IssuerOfPatientID"), ("PatientName", "PatientBirthDate")):
        if text_of(dataset, names[0]):
            identity = "\n".join(text_of(dataset, name) for name in names)
            return hmac.digest(key, f"patient:{identity}".encode(), hashlib.sha256).hex()[:16]
    return ""


def _check_end(dataset: Dataset) -> None:
    """Refuse a file that ends inside its last element, which pydicom lets pass."""
    last: Any = dataset.get_item(list(dataset.keys())[-1])
    declared = getattr(last, "length", 0)  # only elements that were not looked at yet have one
    if len(last.value or b"") < declared < _UNDEFINED:
        raise UnreadableImage("The DICOM file is cut short.")


def _check_pixels(dataset: Dataset) -> None:
    """Refuse pixels that may show who it is."""
    keep = "Blacken it first, or tell that pixels may stay as they are."
    for keyword in ("BurnedInAnnotation", "RecognizableVisualFeatures"):
        if text_of(dataset, keyword).upper() == "YES":
            raise UnreadableImage(f"It says that its pixels tell who it is: {keyword}.", hint=keep)
    embedded = ((group, 0x0010) in dataset for group in _OVERLAY_GROUPS)
    apart = ((group, 0x3000) in dataset for group in _OVERLAY_GROUPS)
    if list(embedded) != list(apart):
        raise UnreadableImage("It holds an overlay in unused bits of its pixels.", hint=keep)


@cache
def _table() -> dict[int, str]:
    """Return the profile's actions by tag (PS3.15 2026c, table E.1-1)."""
    path = Path(__file__).with_name("confidentiality.csv")
    with path.open(newline="", encoding="ascii") as file:
        return {
            int(row["tag"], 16): _CHOICES.get(row["action"], row["action"])
            for row in csv.DictReader(file)
        }


def _clean(dataset: Dataset, secret: _Secret) -> None:
    for tag in list(dataset.keys()):
        action = _table().get(int(tag), "")
        if tag.is_private or tag.element == 0 or tag.group >> 8 in _GRAPHICS or action == "X":
            del dataset[tag]
        else:
            _treat(dataset, dataset[tag], action, secret)


def _treat(dataset: Dataset, element: DataElement, action: str, secret: _Secret) -> None:
    if element.tag in _PSEUDONYMS:
        element.value = secret.patient
    elif action in ("", "U"):
        _translate(dataset, element, action, secret)
    elif action == "D" and element.VR in _DUMMIES:
        element.value = _DUMMIES[element.VR]
    else:
        element.clear()


def _translate(dataset: Dataset, element: DataElement, action: str, secret: _Secret) -> None:
    if element.VR == "SQ":
        for item in element.value:
            _clean(item, secret)
    elif element.VR == "UI":
        if element.tag not in _KEPT_UIDS:
            element.value = _other_uids(element, secret.key)
    elif action == "U" or element.VR in _LOOSE:
        del dataset[element.tag]


def _other_uids(element: DataElement, key: bytes) -> list[str]:
    uids = [str(uid) for uid in (element.value if element.VM > 1 else [element.value]) if uid]
    return [uid if uid.startswith(_STANDARD) else other_uid(uid, key) for uid in uids]


def _declare(dataset: Dataset) -> None:
    """Say what was done (PS3.15 E.1.1; PS3.16 CID 7050)."""
    from pydicom import Dataset as Item

    profile = Item()
    profile.CodeValue = "113100"
    profile.CodingSchemeDesignator = "DCM"
    profile.CodeMeaning = "Basic Application Confidentiality Profile"
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "PS3.15 2026c Basic Application Confidentiality Profile"
    dataset.DeidentificationMethodCodeSequence = [profile]
    dataset.LongitudinalTemporalInformationModified = "REMOVED"


def _written(dataset: Dataset, syntax: str) -> bytes:
    """Return it with an empty preamble and a file header of our own: the old one names machines."""
    from pydicom import dcmwrite
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    header = FileMetaDataset()
    header.TransferSyntaxUID = UID(syntax)
    header.MediaStorageSOPClassUID = dataset.SOPClassUID
    header.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta = header
    dataset.preamble = bytes(128)
    file = BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()
