"""What somebody sent: kept under its own name, acknowledged once it will not be lost.

Receipts are append-only and covered by the audit log, as decisions are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select

from core.records import chain, jobs
from core.records.connection import Store, writing
from core.records.tables import RECEIPTS
from core.records.values import name_of, now, plain, stamp

KEPT, REFUSED, ASIDE = "kept", "conflict", "aside"


class Receipt(StrEnum):
    """What became of an object that somebody sent."""

    NEW = "new"
    KNOWN = "known"
    CONFLICT = "conflict"
    ASIDE = "aside"


def receive(
    store: Store,
    *,
    pack: str,
    key: str,
    sha256: str,
    source: str,
    meta: Mapping[str, str] | None = None,
    is_judged: bool = True,
    at: datetime | None = None,
) -> Receipt:
    """Write a receipt, and the job to assess the object, in one transaction.

    Put the blob first: when this returns the object is durable and will be judged, however often
    it is sent. The same key with other bytes is a conflict: what came first stands, the other is
    kept on record and not judged.

    Args:
        store: The store.
        pack: The pack's name.
        key: The object's own name, such as its SOP instance UID.
        sha256: Digest of its bytes, which names the blob.
        source: Who or what sent it.
        meta: What is known of it besides: ``name`` and ``group`` are taken for those of the
            picture, ``groups`` (parted by blanks) for those it may belong to until it is judged,
            ``priority`` STAT or HIGH puts it before others, the rest goes to the record.
        is_judged: Whether the object is to be assessed; else it is kept and set aside.
        at: When it came; now, unless given.

    Returns:
        NEW, ASIDE, KNOWN (key and bytes are on record) or CONFLICT.

    Raises:
        StoreError: The database failed; nothing was kept.
    """
    said = {plain(word): plain(text) for word, text in (meta or {}).items()}
    row = {
        "id": name_of(pack, plain(key), sha256),
        "pack": pack,
        "key": plain(key),
        "sha256": sha256,
        "state": KEPT if is_judged else ASIDE,
        "source": plain(source),
        "meta": json.dumps(said, sort_keys=True),
        "received_at": stamp(received := at or now()),
    }
    with writing(store) as connection:
        states = _states(connection, pack, row["key"])
        if sha256 in states:
            return Receipt.CONFLICT if states[sha256] == REFUSED else Receipt.KNOWN
        if states:
            row["state"] = REFUSED
        _write(connection, row, received)
        if states:
            return Receipt.CONFLICT
        if not is_judged:
            return Receipt.ASIDE
        jobs.add(
            connection,
            jobs.ASSESS,
            row["id"],
            pack=pack,
            payload=said | {"sha256": sha256, "source": row["source"]},
            at=received,
            priority=jobs.priority_of(said),
        )
    return Receipt.NEW


def _states(connection: Connection, pack: str, key: str) -> dict[str, str]:
    query = select(RECEIPTS.c.sha256, RECEIPTS.c.state)
    found = connection.execute(query.where(RECEIPTS.c.pack == pack, RECEIPTS.c.key == key))
    return {row.sha256: row.state for row in found}


def _write(connection: Connection, row: dict[str, str], at: datetime) -> None:
    connection.execute(insert(RECEIPTS), row)
    chain.append(
        connection,
        actor="assay",
        action="receive",
        subject=row["pack"],
        rows={RECEIPTS.name: [row]},
        at=at,
    )
