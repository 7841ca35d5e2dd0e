"""How many cases have the same facets: a small table that is kept beside the case status.

A cache like it: whoever changes rows of the case status applies the change here in the same
transaction. So counting and offering values to filter by cost the same however many cases there
are, and a filtered list is a step into one index for each of the facets that match.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, insert, select

from core.records.table_base import chunks
from core.records.tables import CASE_FACETS, RowLike
from core.records.values import name_of

NAMES = ("pack", "product", "sites", "reasons", "disposition", "queue_state")
"""The columns that make the facets of a case, in both tables."""

FacetCounts = Counter[tuple[Any, ...]]
"""Numbers of cases by the values of their facets, in the order of ``NAMES``."""

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_KNOWN = select(CASE_FACETS.c.id, CASE_FACETS.c.cases).where(CASE_FACETS.c.id.in_(_IDS))
_FORGET = delete(CASE_FACETS).where(CASE_FACETS.c.id.in_(_IDS))


def facets_id(row: RowLike) -> str:
    """Return the hash of a case's facets."""
    return name_of("facets", *(str(row[name]) for name in NAMES))


def count_facets(statuses: Iterable[RowLike]) -> FacetCounts:
    """Return how many cases have the same facets."""
    return Counter(tuple(row[name] for name in NAMES) for row in statuses)


def facet_rows(counted: FacetCounts) -> dict[str, dict[str, Any]]:
    """Return by id the row of each of the facets that some cases have, with their number."""
    rows = [{**dict(zip(NAMES, values, strict=True)), "cases": n} for values, n in counted.items()]
    return {facets_id(row): {"id": facets_id(row), **row} for row in rows}


def apply_change(
    connection: Connection, before: Sequence[RowLike], after: Sequence[RowLike]
) -> None:
    """Count cases anew of which the status changed, in the caller's transaction.

    Args:
        connection: From `core.records.connection.writing`.
        before: Their rows of the case status before.
        after: Their rows now.
    """
    gone, come = (facet_rows(count_facets(rows)) for rows in (before, after))
    changed = {
        name: come.get(name, {}).get("cases", 0) - gone.get(name, {}).get("cases", 0)
        for name in gone.keys() | come.keys()
    }
    touched = sorted(name for name, change in changed.items() if change)
    for ids in chunks(touched):
        known: dict[str, int] = {row[0]: row[1] for row in connection.execute(_KNOWN, {"ids": ids})}
        rows = [
            {**(come.get(name) or gone[name]), "cases": known.get(name, 0) + changed[name]}
            for name in ids
        ]
        if known:
            connection.execute(_FORGET, {"ids": list(known)})
        if kept := [row for row in rows if row["cases"] > 0]:
            connection.execute(insert(CASE_FACETS), kept)
