"""What the headers of cases state in some columns, such as their site and camera."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from core.records.connection import Store, chunks, reading
from core.records.tables import CASE_STATUS, HEADERS, IMAGES

SITE = "site"
"""Where a case comes from, as its status says: also where no header of its own names it."""


def read_columns(
    store: Store, case_ids: Sequence[str], columns: Sequence[str]
) -> Mapping[str, list[tuple[str, ...]]]:
    """Return for each column the different values of every case, in the order of the cases.

    Args:
        store: The store.
        case_ids: The cases.
        columns: Words of a header; a case whose images state none has no value.

    Raises:
        StoreError: The database failed.
    """
    found: dict[str, dict[str, set[str]]] = {name: defaultdict(set) for name in columns}
    parsed: dict[str, Mapping[str, str]] = {}
    headers = select(IMAGES.c.case_id, HEADERS.c.meta).join(HEADERS, HEADERS.c.id == IMAGES.c.id)
    sites = select(CASE_STATUS.c.case_id, CASE_STATUS.c.sites)
    with reading(store) as connection:
        for some in chunks(list(case_ids)):
            for case_id, meta in connection.execute(headers.where(IMAGES.c.case_id.in_(some))):
                if meta not in parsed:
                    parsed[meta] = json.loads(meta)
                for name in columns:
                    if text := parsed[meta].get(name, "").strip():
                        found[name][case_id].add(text)
            if SITE in found:
                for case_id, lines in connection.execute(
                    sites.where(CASE_STATUS.c.case_id.in_(some))
                ):
                    found[SITE][case_id] = set(lines.split("\n")) - {""}
    return {
        name: [tuple(sorted(own.get(case_id, ()))) for case_id in case_ids]
        for name, own in found.items()
    }
