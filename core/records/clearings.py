"""Pictures deleted on purpose: on record first, so that they differ from pictures lost.

A clearing is a row of the pack's own (`core.records.pack_rows`), covered by the audit log. It names
each picture with how many images pointed at it then: if another image of the same content comes
later its picture is expected again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from core.records import blobs, pack_rows
from core.records.connection import Store, chunks, reading, writing
from core.records.pack_rows import PackRow
from core.records.tables import IMAGES, PACK_ROWS, RECEIPTS

CLEARING = "clearing"


def clear_pictures(
    store: Store,
    pictures: Sequence[str],
    *,
    pack: str,
    series: str,
    number: int,
    at: datetime,
    reason: str,
) -> list[str]:
    """Return the digests of pictures whose files were deleted, put on record first.

    A picture that another image or a receipt points at too stays. When the process ends between
    record and deletion, `finish_clearing` deletes the rest.

    Args:
        store: The store.
        pictures: Their sha256.
        pack: Pack that they belong to.
        series: Which of its series clears.
        number: Number of the clearing in the series, above the last one's.
        at: When.
        reason: Why, for people.

    Returns:
        The pictures that went.

    Raises:
        StoreError: The database failed, then nothing was deleted; or a file cannot be deleted.
    """
    with writing(store) as connection:
        counts = _image_counts(connection, pictures)
        received = _received(connection, pictures)
        gone = {one: n for one, n in counts.items() if n == 1 and one not in received}
        if gone:
            body = {"pictures": gone, "reason": reason}
            row = PackRow(pack, CLEARING, series, number, at, outcome="cleared", body=body)
            pack_rows.add(connection, [row], actor=series)
    blobs.remove_many(store.blobs, list(gone))
    return list(gone)


def finish_clearing(store: Store, pack: str, series: str) -> None:
    """Delete what the last clearing of a series left undone.

    Raises:
        StoreError: The database failed, or a file cannot be deleted.
    """
    for row in pack_rows.rows_of(store, pack, CLEARING, series, limit=1):
        with writing(store) as connection:
            counts = _image_counts(connection, list(row.body["pictures"]))
        still = [one for one, n in row.body["pictures"].items() if counts.get(one) == n]
        blobs.remove_many(store.blobs, still)


def cleared(connection: Connection) -> dict[str, int]:
    """Return every picture cleared, with how many images pointed at it then."""
    query = select(PACK_ROWS.c.body).where(PACK_ROWS.c.kind == CLEARING)
    found: dict[str, int] = {}
    for body in connection.scalars(query):
        pictures: Mapping[str, int] = json.loads(body)["pictures"]
        for picture, count in pictures.items():
            found[picture] = max(count, found.get(picture, 0))
    return found


def still_cleared(connection: Connection) -> frozenset[str]:
    """Return the pictures cleared that no image has come for since."""
    gone = cleared(connection)
    counts = _image_counts(connection, list(gone))
    return frozenset(one for one, count in gone.items() if counts.get(one, 0) <= count)


def was_cleared(store: Store, picture: str) -> bool:
    """Return whether a picture was cleared on purpose, and is not expected again.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return picture in still_cleared(connection)


def _image_counts(connection: Connection, pictures: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for some in chunks(pictures):
        query = select(IMAGES.c.content_key, func.count()).group_by(IMAGES.c.content_key)
        for row in connection.execute(query.where(IMAGES.c.content_key.in_(some))):
            counts[row[0]] = row[1]
    return counts


def _received(connection: Connection, pictures: Sequence[str]) -> set[str]:
    return {
        sha256
        for some in chunks(pictures)
        for sha256 in connection.scalars(
            select(RECEIPTS.c.sha256).where(RECEIPTS.c.sha256.in_(some))
        )
    }
