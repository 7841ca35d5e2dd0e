"""audit: the log, the rows and the pictures, checked in one go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import ConfigError
from core.records import audit, blobs
from core.records.chain import Head
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


def head(settings: Settings) -> str:
    """Return ``number:hash`` of the newest event.

    Raises:
        StoreError: The store cannot be read.
    """
    return _words(audit.head(open_store(settings)))


def check(settings: Settings, noted: Sequence[str] = ()) -> Check:
    """Check the log's chain, every row it covers, and every picture on disk.

    Args:
        settings: Where the store is.
        noted: Heads noted earlier, ``number:hash`` each; the chain must contain every one.

    Raises:
        ConfigError: A noted head cannot be read.
        StoreError: The store cannot be read.
    """
    heads = [_head(text) for text in noted]
    store = open_store(settings)
    walked = audit.verify(store, *heads)
    pictures = blobs.verify(store.blobs, recorded_blobs(store))
    faults = [f"{fault.kind}: {fault.subject}" for fault in walked.faults]
    faults += [f"picture altered: {sha256}" for sha256 in pictures.altered]
    faults += [f"picture missing: {sha256}" for sha256 in pictures.missing]
    return Check(walked.events, _words(walked.head), tuple(faults))


def _words(head: Head) -> str:
    return f"{head.seq}:{head.hash}"


def _head(text: str) -> Head:
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text.strip())
    if found is None:
        raise ConfigError(
            f"A noted head is NUMBER:HASH with 64 hex digits, got {text.strip()!r}.",
            hint="`assay audit head` prints the present one.",
        )
    return Head(int(found[1]), found[2])
