"""Tiles of a larger picture: each is a case of its own, all of them are one group to count by.

The status of a tile's case names the larger picture by its digest. Neighbouring tiles of one
field are alike, and which of them are on record depends on their verdicts: where errors are counted
they are one group, and where the share of verdicts or a change over time is looked at they are left
out.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, select

from core.records.case_status import QueueState
from core.records.connection import Store, reading
from core.records.tables import CASE_STATUS, DECISIONS, IMAGES

IS_NO_TILE: ColumnElement[bool] = CASE_STATUS.c.tile_of == ""
"""Whether a case is no tile, in a query that joins ``case_status``."""

DECIDES_ON_TILE: ColumnElement[bool] = (
    select(IMAGES.c.id)
    .join(CASE_STATUS, CASE_STATUS.c.case_id == IMAGES.c.case_id)
    .where(IMAGES.c.content_key == DECISIONS.c.content_key, CASE_STATUS.c.tile_of != "")
    .correlate(DECISIONS)
    .exists()
)
"""Whether a decision is on the content of a tile."""


def waiting_tiles(store: Store, pack: str, product: str, larger: str) -> list[str]:
    """Return the cases of tiles of one larger picture that wait for a person.

    Args:
        store: The store.
        pack: The pack's name.
        product: The product that they were judged under.
        larger: Digest of the larger picture.

    Raises:
        StoreError: The database failed.
    """
    status = CASE_STATUS.c
    query = select(status.case_id).where(
        status.pack == pack,
        status.queue_state == int(QueueState.WAITING),
        status.product == product,
        status.tile_of == larger,
    )
    with reading(store) as connection:
        return sorted(connection.scalars(query))
