"""Tiles of a larger picture: each is a case of its own, all of them are one group to count by.

The header of a tile's image names the larger picture by its digest. Neighbouring tiles of one
field are alike, and which of them are on record depends on their verdicts: where errors are counted
they are one group, and where the share of verdicts or a change over time is looked at they are left
out.
"""

from __future__ import annotations

import json

from sqlalchemy import ColumnElement, or_, select

from core.records.tables import DECISIONS, HEADERS, IMAGES
from core.records.values import TILE_OF

_STATED = json.dumps({TILE_OF: ""})[1:-2]
"""How it begins in a header as it is kept; a quote within a value is escaped, so none reads so."""

HAS_NO_TILE: ColumnElement[bool] = or_(
    HEADERS.c.meta.is_(None), ~HEADERS.c.meta.contains(_STATED, autoescape=True)
)
"""Whether an image is no tile, in a query that outer-joins ``headers``."""

DECIDES_ON_TILE: ColumnElement[bool] = (
    select(HEADERS.c.id)
    .join(IMAGES, IMAGES.c.id == HEADERS.c.id)
    .where(
        IMAGES.c.content_key == DECISIONS.c.content_key,
        HEADERS.c.meta.contains(_STATED, autoescape=True),
    )
    .correlate(DECISIONS)
    .exists()
)
"""Whether a decision is on the content of a tile."""
