"""What somebody sent: kept under its own name, acknowledged once it will not be lost.

Receipts are append-only and covered by the audit log, as decisions are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select

from core.packs import priorities_of
from core.records import hash_chain, queue
from core.records.connection import Store, chunks, reading, writing
from core.records.corrections import last_decision
from core.records.image_products import AGAIN
from core.records.tables import RECEIPTS
from core.records.values import name_of, now, plain, stamp

KEPT, REFUSED, ASIDE = "kept", "conflict", "aside"
SENT = "sent"  # one that we sent
FIRST = (KEPT, ASIDE, SENT)

Same = Callable[[str, bool], bool]


def _never(_sha256: str, _is_own: bool) -> bool:
    return False


class Receipt(StrEnum):
    """What became of an object that somebody sent."""

    NEW = "new"
    KNOWN = "known"
    CONFLICT = "conflict"
    ASIDE = "aside"
    OWN = "own"


def receive(
    store: Store,
    *,
    pack: str,
    key: str,
    sha256: str,
    source: str,
    meta: Mapping[str, str] | None = None,
    product: str = "",
    is_judged: bool = True,
    same: Same = _never,
    at: datetime | None = None,
) -> Receipt:
    """Return what became of an object, its receipt and job written in one transaction.

    Put the blob first: when this returns the object is durable and will be judged, however often
    it is sent. The same key with other bytes is the same object in another encoding, or a conflict:
    what came first stands, the other is kept on record and not judged. An object that we sent
    ourselves is no news.

    Args:
        store: The store.
        pack: The pack's name.
        key: The object's own name, unlike any other of the pack, such as a UID or a file's name.
        sha256: Digest of its bytes, which names the blob.
        source: Who or what sent it.
        meta: What is known of it besides: ``name`` and ``group`` are taken for those of the
            picture, ``groups`` (parted by blanks) for those it may belong to until it is judged,
            ``priority`` adds what the pack declares of it, the rest goes to the record.
        product: Which of the pack's products it is; empty for the only one.
        is_judged: Whether the object is to be assessed; else it is kept and set aside.
        same: Asked with a digest that is on record under that key, and whether we sent that one:
            whether it names this object in another encoding.
        at: When it came; now, unless given.

    Returns:
        NEW, ASIDE, KNOWN (the object is on record), OWN (we sent it) or CONFLICT.

    Raises:
        StoreError: The database failed; nothing was kept.
    """
    metadata = {plain(word): plain(text) for word, text in (meta or {}).items()}
    row = {
        "id": name_of(pack, plain(key), sha256),
        "pack": pack,
        "product": plain(product),
        "key": plain(key),
        "sha256": sha256,
        "state": KEPT if is_judged else ASIDE,
        "source": plain(source),
        "meta": json.dumps(metadata, sort_keys=True),
        "received_at": stamp(at or now()),
    }
    compared: dict[str, bool] = {}
    while (receipt := _receipt(store, row, compared, is_judged=is_judged)) is None:
        with reading(store) as connection:
            first = _first(_states(connection, pack, row["key"]))
        compared[first[0]] = same(first[0], first[1] == SENT)
    return receipt


def record_sent(
    connection: Connection, pack: str, objects: Mapping[str, str], at: datetime
) -> None:
    """Put on record what is about to be sent, in the caller's write transaction.

    Whoever sends one of these back to us brings no news.

    Args:
        connection: From `core.records.connection.writing`.
        pack: The pack's name.
        objects: Digest of the bytes by the object's own name.
        at: When.
    """
    for key, sha256 in objects.items():
        if sha256 not in _states(connection, pack, plain(key)):
            row = {
                "id": name_of(pack, plain(key), sha256),
                "pack": pack,
                "product": "",
                "key": plain(key),
                "sha256": sha256,
                "state": SENT,
                "source": "assay",
                "meta": "{}",
                "received_at": stamp(at),
            }
            _write(connection, row, at, "send")


def contents_sent(store: Store, pack: str, keys: Collection[str]) -> set[str]:
    """Return the digests of what we sent under some names.

    Raises:
        StoreError: The database failed.
    """
    query = select(RECEIPTS.c.sha256).where(RECEIPTS.c.pack == pack, RECEIPTS.c.state == SENT)
    with reading(store) as connection:
        return {
            sha256
            for some in chunks(sorted(map(plain, keys)))
            for sha256 in connection.scalars(query.where(RECEIPTS.c.key.in_(some)))
        }


def _receipt(
    store: Store, row: dict[str, str], compared: Mapping[str, bool], *, is_judged: bool
) -> Receipt | None:
    """Return the outcome; None while what came first has still to be compared."""
    received = datetime.fromisoformat(row["received_at"])
    with writing(store) as connection:
        states = _states(connection, row["pack"], row["key"])
        if row["sha256"] in states:
            state = states[row["sha256"]]
            if state in (KEPT, AGAIN):
                _note_product(connection, row, received)
            return _ANSWERS[state]
        if states:
            sha256, state = _first(states)
            if sha256 not in compared:
                return None
            again = SENT if state == SENT else AGAIN
            row = row | {"state": again if compared[sha256] else REFUSED}
            _write(connection, row, received)
            return _ANSWERS[row["state"]]
        _write(connection, row, received)
        if not is_judged:
            return Receipt.ASIDE
        add_job(connection, row, received)
    return Receipt.NEW


def _note_product(connection: Connection, row: dict[str, str], at: datetime) -> None:
    """Write a receipt for a known content that comes for another product for the first time."""
    columns = (RECEIPTS.c.pack, RECEIPTS.c.key, RECEIPTS.c.product)
    query = select(RECEIPTS.c.id).where(*(column == row[column.name] for column in columns))
    if connection.execute(query.limit(1)).first() is None:
        again = name_of(row["pack"], row["key"], row["sha256"], row["product"])
        _write(connection, row | {"id": again, "state": AGAIN}, at)


def add_job(connection: Connection, row: Mapping[str, str], at: datetime) -> None:
    """Queue the job to assess the object of a receipt, in the caller's write transaction."""
    meta = json.loads(row["meta"])
    queue.add(
        connection,
        queue.ASSESS,
        row["id"],
        pack=row["pack"],
        product=row["product"],
        payload=meta | {"sha256": row["sha256"], "source": row["source"]},
        at=at,
        priority=queue.priority_of(meta, priorities_of(row["pack"])),
    )


_ANSWERS = {
    KEPT: Receipt.KNOWN,
    ASIDE: Receipt.KNOWN,
    AGAIN: Receipt.KNOWN,
    SENT: Receipt.OWN,
    REFUSED: Receipt.CONFLICT,
}


def _first(states: Mapping[str, str]) -> tuple[str, str]:
    """Return digest and state of what first came under a name, or was sent under it."""
    return next((one, state) for one, state in states.items() if state in FIRST)


def _states(connection: Connection, pack: str, key: str) -> dict[str, str]:
    """Return the state of every content under a name, as people decided since it came."""
    columns = (RECEIPTS.c.sha256, RECEIPTS.c.state, RECEIPTS.c.received_at)
    query = select(*columns).where(RECEIPTS.c.pack == pack, RECEIPTS.c.key == key)
    found = connection.execute(query.order_by(RECEIPTS.c.received_at)).all()
    decided = last_decision(connection, pack, key)
    if decided is None:
        states: dict[str, str] = {}
        for row in found:  # a content that came for another product as well has its first state
            states.setdefault(row.sha256, row.state)
        return states
    # The standing content in another encoding is known; whatever came before is not that.
    again = {row.sha256 for row in found if row.state == AGAIN and row.received_at > decided.since}
    standing = {row.sha256: AGAIN if row.sha256 in again else REFUSED for row in found}
    return standing | {decided.stands: KEPT}


def _write(
    connection: Connection, row: dict[str, str], at: datetime, action: str = "receive"
) -> None:
    hash_chain.append_row(
        connection, RECEIPTS, row, actor="assay", action=action, subject=row["pack"], at=at
    )
