"""What happens to an object however it came: kept for good, queued, and only then acknowledged."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from dataclasses import dataclass
from functools import partial

from core.errors import AssayError, StoreError, UnreadableImage
from core.logs import Event, Word
from core.records import blobs
from core.records.connection import Store
from core.records.intake import Receipt, receive
from domains.xray.node.object_comparison import Comparer
from domains.xray.node.part10 import DEFLATED, SOP_INSTANCE_TAG, STUDY_TAG, Part10
from domains.xray.node.sop_classes import JUDGED_CLASSES, class_keyword

PACK = "xray"
MEBI = 1024 * 1024
_MOST_STUDIES = 16

_LOG = logging.getLogger(__name__)
_WORDS = {
    Receipt.NEW: Word.RECEIVED,
    Receipt.KNOWN: Word.KNOWN,
    Receipt.CONFLICT: Word.CONFLICT,
    Receipt.ASIDE: Word.SET_ASIDE,
    Receipt.OWN: Word.OWN,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sender may ask of this process at most.

    Attributes:
        object_bytes: Largest object, encoded.
        total_bytes: Most bytes held for all unfinished objects together.
        senders: Most associations, and most requests, at once.
        silence_s: Longest pause in seconds before a connection is closed.
        object_s: Longest time in seconds in which a connection must bring one object to its end.
        free_bytes: Free room on the disk below which nothing is taken.
    """

    object_bytes: int = 64 * MEBI
    total_bytes: int = 512 * MEBI
    senders: int = 16
    silence_s: float = 30.0
    object_s: float = 300.0
    free_bytes: int = 1024 * MEBI


@dataclass(frozen=True, slots=True)
class Reception:
    """Where received objects go.

    Attributes:
        store: Keeps receipts and jobs, and names the folder of the files.
        site: Name of the place whose pictures these are, for stages of autonomy per site.
        limits: What senders may ask.
        comparer: Tells an object in another encoding from another object of its name; without it
            other bytes are another object.
        oldest_days: Age in days at which a study is no new work at this place, 0 for none; None
            where the place says nothing.
    """

    store: Store
    site: str
    limits: Limits
    comparer: Comparer | None = None
    oldest_days: int | None = None

    def take(self, part: Part10, way: str, peer: str = "") -> Receipt:
        """Keep an object; when this returns it survives a power cut.

        An object of a class that may hold a chest radiograph will be judged, any other one is set
        aside: on record and listed, without a place on the worklist.

        Args:
            part: The object, of which only the envelope is looked at.
            way: Which way it came: ``c-store``, ``stow`` or ``folder``.
            peer: Whose it is, by our own name for them.

        Returns:
            NEW, ASIDE, KNOWN (the same object is here already), OWN (we sent it) or CONFLICT
            (another one is here).

        Raises:
            UnreadableImage: The data set does not name the object that the envelope names, or is
                deflated.
            StoreError: It could not be kept: no room, or the store failed. Nothing is promised.
        """
        said: dict[str, float | str] = {"way": way, "bytes": len(part.dataset)}
        if peer:
            said["peer"] = peer
        begun = time.monotonic()
        try:
            receipt = self._kept(part, f"{way}:{peer}" if peer else way)
        except UnreadableImage:
            _LOG.warning(Event(Word.REFUSED, said))
            raise
        except (AssayError, OSError, MemoryError) as exc:
            _LOG.error(Event(Word.NOT_KEPT, {**said, "error": type(exc).__name__}))
            raise StoreError("The object could not be kept.", hint="Send it again later.") from exc
        if receipt is Receipt.ASIDE:
            said["sop_class"] = class_keyword(part.sop_class)
        said["elapsed_ms"] = round(1000 * (time.monotonic() - begun), 1)
        _LOG.info(Event(_WORDS[receipt], said))
        return receipt

    def _kept(self, part: Part10, source: str) -> Receipt:
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
        self._check_room(len(part.dataset))
        [sha256] = blobs.put_many(self.store.blobs, [part.file()])
        return receive(
            self.store,
            pack=PACK,
            key=part.sop_instance,
            sha256=sha256,
            source=source,
            meta=self._said(part),
            is_judged=part.sop_class in JUDGED_CLASSES,
            same=partial(self._is_same, part),
        )

    def _is_same(self, part: Part10, sha256: str, is_own: bool) -> bool:
        """Whether an object is the one that is on record under its name."""
        if is_own and part.sop_class not in JUDGED_CLASSES:
            return True  # a report of ours, whatever a receiver made of its words: no picture
        if self.comparer is None:
            return False
        try:
            kept = blobs.get(self.store.blobs, sha256)
        except StoreError:  # it is gone or damaged: nothing to compare with
            return False
        return self.comparer.is_same(kept, part.file(), is_own=is_own)

    def _said(self, part: Part10) -> dict[str, str]:
        """Give what is known of an object before it is read: its class, site, possible studies."""
        said = {
            "sop_class": part.sop_class,
            "site": self.site,
            "oldest_days": "" if self.oldest_days is None else str(self.oldest_days),
            "groups": " ".join(part.uids(STUDY_TAG)[:_MOST_STUDIES]),
        }
        return {word: text for word, text in said.items() if text}

    def _check_room(self, coming: int) -> None:
        folder = self.store.blobs if self.store.blobs.exists() else self.store.blobs.parent
        free = shutil.disk_usage(folder).free
        if free - coming < self.limits.free_bytes:
            raise StoreError(
                f"The disk is all but full: {free // MEBI} MiB are free, "
                f"{self.limits.free_bytes // MEBI} MiB are kept free.",
                hint="Make room; senders try again by themselves.",
            )


class Budget:
    """Counts the bytes held for unfinished objects, over all threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        """Bytes held right now."""
        return self._held

    def take(self, count: int) -> bool:
        """Count bytes in; False, and nothing counted, when there would be too many."""
        with self._lock:
            if self._held + count > self._most:
                return False
            self._held += count
            return True

    def give(self, count: int) -> None:
        """Count bytes out."""
        with self._lock:
            self._held -= count
