"""What happens to a DICOM object however it came: its envelope is checked, then it is received."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from core.errors import StoreError, UnreadableImage
from core.logs import Event, Word
from core.records import blobs
from core.records.connection import Store
from core.records.intake import Receipt
from core.service.intake.limits import Limits
from core.service.intake.receive import IncomingObject, receive
from domains.xray.node.object_comparison import Comparer
from domains.xray.node.part10 import DEFLATED, SOP_INSTANCE_TAG, STUDY_TAG, Part10, parse_part10
from domains.xray.node.sop_classes import JUDGED_CLASSES, class_keyword

PACK = "xray"
_MOST_STUDIES = 16

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ObjectIntake:
    """Where received objects go.

    Attributes:
        store: Keeps receipts and jobs, and names the folder of the files.
        site: Name of the place whose pictures these are: the product, by whose deployment they
            are judged and which has a stage of autonomy.
        limits: What senders may ask.
        comparer: Distinguishes an object in another encoding from another object of its name;
            without it other bytes are another object.
        oldest_days: Age in days at which a study is no new work at this place, 0 for none; None
            where nothing is configured.
    """

    store: Store
    site: str
    limits: Limits
    comparer: Comparer | None = None
    oldest_days: int | None = None

    def take(self, part: Part10, transport: str, peer: str = "") -> Receipt:
        """Return what became of an object; from then on it survives a power cut.

        An object of a class that may hold a chest radiograph will be judged, any other one is set
        aside: on record and listed, without a place on the worklist.

        Args:
            part: The object, of which only the envelope is looked at.
            transport: How it came: ``c-store``, ``stow`` or ``folder``.
            peer: Whose it is, by our own name for them.

        Returns:
            NEW, ASIDE, KNOWN (the same object is here already), OWN (we sent it) or CONFLICT
            (another one is here).

        Raises:
            UnreadableImage: The data set does not name the object that the envelope names, or is
                deflated.
            StoreError: It could not be kept: no room, or the store failed. Nothing is promised.
        """
        try:
            _check_envelope(part)
        except UnreadableImage:
            fields: dict[str, float | str] = {
                "transport": transport,
                "bytes": len(part.dataset),
            }
            _LOG.warning(Event(Word.REFUSED, fields | ({"peer": peer} if peer else {})))
            raise
        return receive(self.store, self._incoming(part, transport, peer), self.limits.free_bytes)

    def _incoming(self, part: Part10, transport: str, peer: str) -> IncomingObject:
        return IncomingObject(
            pack=PACK,
            key=part.sop_instance,
            data=part.file,
            transport=transport,
            peer=peer,
            product=self.site,
            meta=self._meta(part),
            is_judged=part.sop_class in JUDGED_CLASSES,
            is_same=partial(self._is_same, part),
            log_fields={"sop_class": class_keyword(part.sop_class)},
        )

    def take_file(self, content: bytes) -> bool:
        """Return whether an object of the watched folder was kept; not where another one is here.

        Raises:
            UnreadableImage: It is no DICOM file, or as in `take`.
            StoreError: As in `take`.
        """
        return self.take(parse_part10(content), "folder") is not Receipt.CONFLICT

    def _is_same(self, part: Part10, sha256: str, is_own: bool) -> bool:
        """Return whether an object is the one that is on record under its name."""
        if is_own and part.sop_class not in JUDGED_CLASSES:
            return True  # a report of ours, however a receiver encoded it: no picture
        if self.comparer is None:
            return False
        try:
            kept = blobs.get(self.store.blobs, sha256)
        except StoreError:  # it is gone or damaged: nothing to compare with
            return False
        return self.comparer.is_same(kept, part.file(), is_own=is_own)

    def _meta(self, part: Part10) -> dict[str, str]:
        """Return what is known of an object before it is read: class, site, possible studies."""
        meta = {
            "sop_class": part.sop_class,
            "site": self.site,
            "oldest_days": "" if self.oldest_days is None else str(self.oldest_days),
            "groups": " ".join(part.uids(STUDY_TAG)[:_MOST_STUDIES]),
        }
        return {key: text for key, text in meta.items() if text}


def _check_envelope(part: Part10) -> None:
    if part.transfer_syntax in DEFLATED:
        raise UnreadableImage(
            "The data set is deflated, which is not accepted.",
            hint="Send it in Explicit VR Little Endian.",
        )
    if not part.names(SOP_INSTANCE_TAG, part.sop_instance):
        raise UnreadableImage(
            "The data set does not carry the SOP Instance UID it was sent under.",
            hint="Send it under its own name.",
        )
