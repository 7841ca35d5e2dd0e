"""Defects that persons named on the line's parts, which the next learning takes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.records import pack_rows
from core.records.cases import StoredReview
from core.records.connection import Store
from core.records.final_reads import final_reads
from core.records.pack_rows import PackRow
from core.types import Disposition
from domains.parts.station.judging.inspection import group_of
from domains.parts.station.recipe import Recipe
from domains.parts.station.records.parts import PACK, PART

MOST = 500
_SAME_ID = 20


@dataclass(frozen=True, slots=True)
class NamedDefect:
    """A defect that a person named on a part.

    Attributes:
        number: Number of the part.
        label: The defect.
    """

    number: int
    label: str


def named_defects(
    store: Store, station: str, recipe: Recipe, learned: Collection[str]
) -> list[NamedDefect]:
    """Return the defects named on a recipe's parts that are not learned yet, the newest first.

    They are reviews, wherever they were made; the last one of a part counts, and of one that is
    read twice what both readers came to.

    Args:
        store: The store.
        station: Name of the station.
        recipe: The recipe.
        learned: Groups of the parts that are learned already.

    Raises:
        StoreError: The database failed.
    """
    found = []
    for one in final_reads(store, PACK, limit=MOST):
        if one.disposition is Disposition.POSITIVE and one.label and one.key not in learned:
            row = _part_of(store, station, one)
            if row is not None and row.body["recipe"] == recipe.number:
                found.append(NamedDefect(row.number, one.label))
    return found


def _part_of(store: Store, station: str, review: StoredReview) -> PackRow | None:
    """Return the part on one of whose pictures a review was made."""
    number = review.key.removeprefix(f"{station}.")
    if review.key == group_of("", station, int(number) if number.isdecimal() else 0):
        first = int(number)
        rows = pack_rows.rows_of(store, PACK, PART, station, after=first - 1, before=first + 1)
    else:
        rows = pack_rows.rows_of(store, PACK, PART, station, subject=review.key, limit=_SAME_ID)
    return next((row for row in rows if review.decision_id in row.body["decisions"]), None)
