"""audit: the log, the rows and the pictures, checked in one go; the log as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.files import replacing
from core.model.bundle.destination import check_file_destination
from core.records import audit, blobs
from core.records.clearings import still_cleared
from core.records.connection import reading
from core.records.hash_chain import GENESIS
from core.records.store import recorded_blobs
from core.service.anchors import anchor_file, parse_head, read_anchors
from core.service.progress import Progress, silent
from core.service.store import open_store
from core.settings import Settings


@dataclass(frozen=True)
class Check:
    """What a check of the whole store found.

    Attributes:
        events: How many events the log holds.
        head: ``number:hash`` of the newest event; note it outside to pin everything before it.
        cleared: Pictures deleted on purpose, which are on record as that.
        faults: One line for everything that is not as it was written.
    """

    events: int
    head: str
    cleared: int
    faults: tuple[str, ...]


def head(settings: Settings) -> str:
    """Return ``number:hash`` of the newest event.

    Raises:
        StoreError: The store cannot be read.
    """
    with open_store(settings) as store:
        return str(audit.head(store))


def check(settings: Settings, noted: Sequence[str] = (), progress: Progress = silent) -> Check:
    """Return what was altered in the log's chain, the rows it covers and the pictures on disk.

    Args:
        settings: Where the store is, and its anchors, which the chain must contain.
        noted: Further heads noted earlier, ``number:hash`` each.
        progress: Called with how far the check is.

    Raises:
        ConfigError: A noted head cannot be read.
        StoreError: The store cannot be read.
    """
    file = anchor_file(settings)
    anchored = [one.head for one in read_anchors(file)] if file else []
    heads = [*anchored, *map(parse_head, noted)]
    with open_store(settings) as store:
        walked = audit.verify(store, *heads, watch=partial(progress, "Checking the log"))
        pictures = blobs.verify(
            store.blobs, recorded_blobs(store), partial(progress, "Checking pictures")
        )
        with reading(store) as connection:
            gone = len(still_cleared(connection))
    faults = [f"{fault.kind}: {fault.subject}" for fault in walked.faults]
    faults += [f"picture altered: {sha256}" for sha256 in pictures.altered]
    faults += [f"picture missing: {sha256}" for sha256 in pictures.missing]
    return Check(walked.events, str(walked.head), gone, tuple(faults))


def export(out: Path, settings: Settings) -> int:
    """Return how many events the log holds, all written as JSON lines.

    Args:
        out: The file; an earlier export is replaced whole, anything else refused.
        settings: Where the store is.

    Raises:
        ConfigError: The file cannot be written, or is not an earlier export.
        StoreError: The store cannot be read.
    """
    # The first event follows on none, which is near the start of every export.
    check_file_destination(out, f'"previous":"{GENESIS}"'.encode())
    with (
        open_store(settings) as store,
        replacing(out) as temporary,
        temporary.open("w") as file,
    ):
        return audit.export(store, file)
