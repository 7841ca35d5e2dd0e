"""What the images of cases say of themselves, in the words of their files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, Connection, select

from core.records.corrections import is_current
from core.records.image_products import other_products, with_products
from core.records.tables import (
    HEADERS,
    IMAGES,
)

Headers = tuple[Mapping[str, str], ...]
"""What each image of a case says of itself, in the order received."""


def headers_of(connection: Connection, some: Iterable[ColumnElement[bool]]) -> dict[str, Headers]:
    """Return by case what its images say of themselves, of cases that conditions pick."""
    # Sorted here: the database would carry every header through its sorter.
    columns = (IMAGES.c.case_id, IMAGES.c.received_at, IMAGES.c.name, HEADERS.c.meta, IMAGES.c.id)
    query = select(*columns).join(HEADERS, HEADERS.c.id == IMAGES.c.id).where(is_current())
    found: dict[str, list[tuple[str, str, str, str]]] = defaultdict(list)
    others: dict[str, set[str]] = {}
    for wanted in some:
        for case, *image in connection.execute(query.where(wanted)):
            found[case].append(tuple(image))
        others |= other_products(connection, wanted)
    return {
        case: tuple(
            with_products(json.loads(meta), others.get(image, ()))
            for _, _, meta, image in sorted(images)
        )
        for case, images in found.items()
    }
