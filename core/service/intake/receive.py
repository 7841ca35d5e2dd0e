"""What happens to an object however it came: kept for good, queued, and only then acknowledged."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.errors import AssayError, StoreError
from core.logs import Event, Word
from core.records import blobs, intake
from core.records.connection import Store
from core.records.intake import Receipt, Same
from core.service.intake.limits import MEBI

_LOG = logging.getLogger(__name__)
_WORDS = {
    Receipt.NEW: Word.RECEIVED,
    Receipt.KNOWN: Word.KNOWN,
    Receipt.CONFLICT: Word.CONFLICT,
    Receipt.ASIDE: Word.SET_ASIDE,
    Receipt.OWN: Word.OWN,
}


@dataclass(frozen=True, slots=True)
class IncomingObject:
    """One object that a sender handed over.

    Attributes:
        pack: The pack's name.
        key: The object's own name, such as a UID or a file's name.
        data: Return its bytes; called once, when they are written.
        transport: How it came, as the log and the receipt name it: such as ``folder``.
        peer: Whose it is, by our own name for them; may be empty.
        product: Which of the pack's products it is; empty for the only one.
        meta: What is known of it besides, as in `core.records.intake.receive`.
        is_judged: Whether it is to be assessed; else it is kept and set aside.
        is_same: Whether a digest on record under that key is this object in another encoding, as
            in `core.records.intake.receive`; None where other bytes are another object.
        log_fields: Further fields for the log where it is set aside.
    """

    pack: str
    key: str
    data: Callable[[], bytes]
    transport: str
    peer: str = ""
    product: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    is_judged: bool = True
    is_same: Same | None = None
    log_fields: Mapping[str, str] = field(default_factory=dict)


def receive(store: Store, incoming: IncomingObject, free_bytes: int) -> Receipt:
    """Return what became of an object; from then on it survives a power cut.

    Args:
        store: Keeps receipt and job, and names the folder of the files.
        incoming: The object.
        free_bytes: Free room on the disk below which nothing is taken.

    Returns:
        NEW, ASIDE, KNOWN (the same object is here already), OWN (we sent it) or CONFLICT (another
        one of that name is here).

    Raises:
        StoreError: It could not be kept: no room, or the store failed. Nothing is promised.
    """
    fields: dict[str, float | str] = {"transport": incoming.transport}
    if incoming.peer:
        fields["peer"] = incoming.peer
    started = time.monotonic()
    try:
        data = incoming.data()
        fields["bytes"] = len(data)
        receipt = _receive(store, incoming, data, free_bytes)
    except (AssayError, OSError, MemoryError) as exc:
        _LOG.error(Event(Word.NOT_KEPT, {**fields, "error": type(exc).__name__}))
        raise StoreError("The object could not be kept.", hint="Send it again later.") from exc
    if receipt is Receipt.ASIDE:
        fields |= incoming.log_fields
    fields["elapsed_ms"] = round(1000 * (time.monotonic() - started), 1)
    _LOG.info(Event(_WORDS[receipt], fields))
    return receipt


def _receive(store: Store, incoming: IncomingObject, data: bytes, free_bytes: int) -> Receipt:
    _check_room(store, len(data), free_bytes)
    [sha256] = blobs.put_many(store.blobs, [data])
    source = f"{incoming.transport}:{incoming.peer}" if incoming.peer else incoming.transport
    return intake.receive(
        store,
        pack=incoming.pack,
        product=incoming.product,
        key=incoming.key,
        sha256=sha256,
        source=source,
        meta=incoming.meta,
        is_judged=incoming.is_judged,
        same=incoming.is_same or _never,
    )


def _never(_sha256: str, _is_own: bool) -> bool:
    return False


def _check_room(store: Store, coming: int, free_bytes: int) -> None:
    folder = store.blobs if store.blobs.exists() else store.blobs.parent
    free = shutil.disk_usage(folder).free
    if free - coming < free_bytes:
        raise StoreError(
            f"The disk is all but full: {free // MEBI} MiB are free, "
            f"{free_bytes // MEBI} MiB are kept free.",
            hint="Make room; senders try again by themselves.",
        )
