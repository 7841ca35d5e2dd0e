"""What the node offers: the lists that negotiation, DICOMweb and CONFORMANCE.md share."""

from __future__ import annotations

from pydicom import config
from pydicom.uid import UID
from pynetdicom import AllStoragePresentationContexts

VERIFICATION = "1.2.840.10008.1.1"

JUDGED_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.1": "Computed Radiography Image Storage",
    "1.2.840.10008.5.1.4.1.1.1.1": "Digital X-Ray Image Storage - For Presentation",
    "1.2.840.10008.5.1.4.1.1.1.1.1": "Digital X-Ray Image Storage - For Processing",
    "1.2.840.10008.5.1.4.1.1.1.2": "Digital Mammography X-Ray Image Storage - For Presentation",
    "1.2.840.10008.5.1.4.1.1.1.2.1": "Digital Mammography X-Ray Image Storage - For Processing",
    "1.2.840.10008.5.1.4.1.1.1.3": "Digital Intra-Oral X-Ray Image Storage - For Presentation",
    "1.2.840.10008.5.1.4.1.1.1.3.1": "Digital Intra-Oral X-Ray Image Storage - For Processing",
    "1.2.840.10008.5.1.4.1.1.7": "Secondary Capture Image Storage",
    "1.2.840.10008.5.1.4.1.1.12.1": "X-Ray Angiographic Image Storage",
    "1.2.840.10008.5.1.4.1.1.12.2": "X-Ray Radiofluoroscopic Image Storage",
}
"""Assessed, so that what is no chest radiograph stands on the worklist with the reason:
a PACS whose object is refused repeats it, or reports nothing."""

RETIRED_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.3",
    "1.2.840.10008.5.1.4.1.1.5",
    "1.2.840.10008.5.1.4.1.1.6",
    "1.2.840.10008.5.1.4.1.1.12.3",
)

STORAGE_CLASSES = frozenset(
    {
        *JUDGED_CLASSES,
        *(str(context.abstract_syntax) for context in AllStoragePresentationContexts),
        *RETIRED_CLASSES,
    }
)
"""Taken: every storage class of PS3.4 table B.5-1, and the retired ones of ultrasound, nuclear
medicine and angiography that archives still hold. A study is sent as a whole, with its dose report,
presentation states, key objects and documents: a sender that is refused one of them often gives the
whole association up. What is not judged is kept and set aside."""

TRANSFER_SYNTAXES = {
    "1.2.840.10008.1.2.1": "Explicit VR Little Endian",
    "1.2.840.10008.1.2": "Implicit VR Little Endian",
    "1.2.840.10008.1.2.2": "Explicit VR Big Endian",
    "1.2.840.10008.1.2.5": "RLE Lossless",
    "1.2.840.10008.1.2.4.70": "JPEG Lossless, Selection Value 1",
    "1.2.840.10008.1.2.4.57": "JPEG Lossless, Process 14",
    "1.2.840.10008.1.2.4.80": "JPEG-LS Lossless",
    "1.2.840.10008.1.2.4.90": "JPEG 2000 Lossless Only",
    "1.2.840.10008.1.2.4.201": "High-Throughput JPEG 2000 Lossless Only",
    "1.2.840.10008.1.2.4.202": "High-Throughput JPEG 2000 with RPCL Options Lossless Only",
    "1.2.840.10008.1.2.4.81": "JPEG-LS Near-Lossless",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.4.203": "High-Throughput JPEG 2000",
    "1.2.840.10008.1.2.4.50": "JPEG Baseline, Process 1",
    "1.2.840.10008.1.2.4.51": "JPEG Extended, Processes 2 and 4",
}
"""In order of preference where a sender leaves the choice: nothing to decode, then lossless."""


def class_keyword(uid: str) -> str:
    """Return a SOP class's keyword of PS3.6, such as CTImageStorage; "Unregistered" without one."""
    return UID(uid, config.IGNORE).keyword or "Unregistered"
