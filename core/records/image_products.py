"""Which products an image came for besides the one that it was judged for.

An object is judged once, for the product under which it first came. Whoever sends it for another
one gets the answer that it is known, and a receipt says so: that product's stage of autonomy
counts too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, Connection, and_, select

from core.records.tables import CASE_STATUS, IMAGES, RECEIPTS

OTHER_PRODUCTS = "other_products"
"""Word under which an image's header names them, a line each."""

AGAIN = "again"
"""State of a receipt for a kept object in another encoding, or for another product."""


def other_products(connection: Connection, wanted: ColumnElement[bool]) -> dict[str, set[str]]:
    """Return by image the products that it came for besides its own.

    Args:
        connection: An open one.
        wanted: Which images, by columns of ``images``.
    """
    kept, again = RECEIPTS.alias(), RECEIPTS.alias()
    query = (
        select(IMAGES.c.id, again.c.product)
        .join(CASE_STATUS, CASE_STATUS.c.case_id == IMAGES.c.case_id)
        .join(kept, and_(kept.c.sha256 == IMAGES.c.content_key, kept.c.pack == CASE_STATUS.c.pack))
        .join(again, and_(again.c.pack == kept.c.pack, again.c.key == kept.c.key))
        .where(wanted, again.c.state == AGAIN, again.c.product != IMAGES.c.product)
    )
    found: dict[str, set[str]] = defaultdict(set)
    for image, product in connection.execute(query):
        found[image].add(product)
    return found


def with_products(meta: dict[str, str], others: Collection[str]) -> Mapping[str, str]:
    """Return an image's header with the other products that it came for, if there are any."""
    return meta | {OTHER_PRODUCTS: "\n".join(sorted(others))} if others else meta
