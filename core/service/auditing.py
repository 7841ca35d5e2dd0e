"""audit: the log, the rows and the pictures, checked in one go."""

from __future__ import annotations

from dataclasses import dataclass

from core.records import audit, blobs
from core.records.store import recorded_blobs
from core.service.stores import open_store
from core.settings import Settings


@dataclass(frozen=True)
class Check:
    """What a check of the whole store found.

    Attributes:
        events: How many events the log holds.
        head: ``number:hash`` of the newest event; note it outside to pin everything before it.
        faults: One line for everything that is not as it was written.
    """

    events: int
    head: str
    faults: tuple[str, ...]


def check(settings: Settings) -> Check:
    """Check the log's chain, every row it covers, and every picture on disk.

    Raises:
        StoreError: The store cannot be read.
    """
    store = open_store(settings)
    walked = audit.verify(store)
    pictures = blobs.verify(store.blobs, recorded_blobs(store))
    faults = [f"{fault.kind}: {fault.subject}" for fault in walked.faults]
    faults += [f"picture altered: {sha256}" for sha256 in pictures.altered]
    faults += [f"picture missing: {sha256}" for sha256 in pictures.missing]
    head = audit.head(store)
    return Check(walked.events, f"{head.seq}:{head.hash}", tuple(faults))
