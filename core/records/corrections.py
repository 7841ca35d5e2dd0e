"""Which images a correction has replaced: they stay on record and count no more."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, exists, select

from core.records.tables import IMAGES, RESOLUTIONS


class LastDecision(NamedTuple):
    """What a person last decided about the objects of one name.

    Attributes:
        stands: sha256 of the content that counts.
        since: When they decided so, as text that sorts.
    """

    stands: str
    since: str


def last_decision(connection: Connection, pack: str, key: str) -> LastDecision | None:
    """Return what was last decided about the objects of one name; None when nothing ever was."""
    query = select(RESOLUTIONS.c.stands, RESOLUTIONS.c.resolved_at)
    query = query.where(RESOLUTIONS.c.pack == pack, RESOLUTIONS.c.key == key)
    row = connection.execute(query.order_by(RESOLUTIONS.c.seq.desc()).limit(1)).first()
    return LastDecision(*row) if row else None


def is_current() -> ColumnElement[bool]:
    """Return the condition that no correction stands in the place of an image."""
    later = RESOLUTIONS.alias()
    is_back = (
        exists()
        .where(later.c.stands == IMAGES.c.content_key, later.c.seq > RESOLUTIONS.c.seq)
        .correlate(IMAGES, RESOLUTIONS)
    )
    replaced = exists().where(RESOLUTIONS.c.replaces == IMAGES.c.content_key, ~is_back)
    return ~replaced.correlate(IMAGES)
