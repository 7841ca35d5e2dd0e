"""What came in and has no place on the worklist, in words: conflicts and what was set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from pydicom import config
from pydicom.uid import UID

from core.errors import StoreError
from core.records import blobs
from core.records.connection import Store
from core.records.quarantine import Conflict, Resolution, StoredReceipt
from core.settings import Settings
from domains.xray.decoding.source import Source, sandbox, sources

PAGE = "Received"
ACCEPT, DECLINE = "Take the new object", "Keep the first"
WHAT_TO_DO = (
    "Two objects bear one SOP Instance UID and differ; the sender got status C001. Ask there "
    "which of the two is right. Take the new object when it corrects the first, "
    "such as a patient who was mixed up: it is judged, its study waits to be read again, and the "
    "first stays on record. Keep the first when the new one is wrong, and correct it where it was "
    "made. A report that went out on the first stays in the archive, where it has to be withdrawn: "
    "one on the new object follows, and names it as its predecessor in the same study."
)
SAME_WORDS = "Patient and study are the same; something else differs, such as the picture."
UNREADABLE_WORDS = "One of the two cannot be read, so what differs is not known."

_TABLE_STYLE = "text-align:left;border-spacing:1rem .2rem;margin-left:-1rem"
_TRANSPORTS = {"c-store": "C-STORE", "stow": "STOW-RS", "folder": "the watched folder"}
_FIELDS = {
    "PatientName": "Patient's name",
    "PatientID": "Patient's number",
    "IssuerOfPatientID": "Issuer of the number",
    "PatientBirthDate": "Birth date",
    "PatientSex": "Sex",
    "AccessionNumber": "Accession number",
    "StudyDate": "Study date",
    "StudyTime": "Study time",
    "StudyID": "Study ID",
    "StudyDescription": "Study description",
    "ReferringPhysicianName": "Referring physician",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two objects of one name say differently.

    Attributes:
        field: What, for a person.
        first: What the object says that stands; empty for nothing.
        other: What the other one says.
    """

    field: str
    first: str
    other: str


def read_differences(
    conflicts: Sequence[Conflict], store: Store, settings: Settings
) -> list[tuple[Difference, ...] | None]:
    """Return how both sides of every conflict differ, read in a disposable process.

    Returns:
        What each pair says differently of patient and study; None where one cannot be read.

    Raises:
        ConfigError: The process cannot start.
    """
    if not conflicts:
        return []
    pairs = [(one.first.sha256, one.other.sha256) for one in conflicts]
    with sandbox(settings) as box:
        read = sources(box, (_content(store, sha256) for pair in pairs for sha256 in pair))
    return [differences(*read[at : at + 2]) for at in range(0, len(read), 2)]


def differences(first: Source | None, other: Source | None) -> tuple[Difference, ...] | None:
    """Return what two objects say differently of patient and study; None when one is unreadable."""
    if first is None or other is None:
        return None
    fields = [(name, first.context[key], other.context[key]) for key, name in _FIELDS.items()]
    fields += [("Study", first.study, other.study), ("Series", first.series, other.series)]
    return tuple(Difference(*one) for one in fields if one[1] != one[2])


def difference_lines(found: Sequence[Difference] | None) -> list[str]:
    """Return what differs, a line each."""
    if found is None:
        return [UNREADABLE_WORDS]
    lines = [f"{d.field}: {d.first or 'nothing'} -> {d.other or 'nothing'}" for d in found]
    return lines or [SAME_WORDS]


def difference_html(found: Sequence[Difference] | None) -> str:
    """Return what differs as a table; nothing in it can become markup."""
    if not found:
        return f'<div class="assay-plain">{escape(difference_lines(found)[0])}</div>'
    rows = "".join(
        f"<tr><td>{escape(d.field)}</td><td>{_cell(d.first)}</td><td>{_cell(d.other)}</td></tr>"
        for d in found
    )
    head = "<tr><th>Differs</th><th>First</th><th>New</th></tr>"
    return f'<table class="assay-plain" style="{_TABLE_STYLE}">{head}{rows}</table>'


def arrival_text(receipt: StoredReceipt) -> str:
    """Return when and from whom an object came."""
    transport, _, peer = receipt.source.partition(":")
    moment = f"{receipt.received_at.astimezone():%Y-%m-%d %H:%M}"
    return f"{moment} by {_TRANSPORTS.get(transport, transport)}" + (
        f" from {peer}" if peer else ""
    )


def class_text(receipt: StoredReceipt) -> str:
    """Return the name of an object's class."""
    sop_class = receipt.meta.get("sop_class", "")
    return UID(sop_class, config.IGNORE).name if sop_class else "unknown class"


def resolution_text(one: Resolution) -> str:
    """Return what somebody decided, when, and about what."""
    moment = f"{one.resolved_at.astimezone():%Y-%m-%d %H:%M}"
    done = "took the new object" if one.is_accepted else "kept the first object"
    return f"{moment} {one.resolved_by} {done} of {one.receipt.key} ({one.receipt.id})"


def waiting_text(count: int) -> str:
    """Return on the worklist that conflicts wait; empty when none does."""
    if not count:
        return ""
    objects = "1 object differs" if count == 1 else f"{count:,} objects differ"
    return f"{objects} from one received before under the same UID: see {PAGE}."


def _cell(text: str) -> str:
    return escape(text) or "<i>nothing</i>"


def _content(store: Store, sha256: str) -> bytes:
    try:
        return blobs.get(store.blobs, sha256)
    except StoreError:
        return b""  # shown as unreadable; `assay audit verify` names it
