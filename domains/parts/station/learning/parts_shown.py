"""Which of the line's parts can be learned from as good ones: those that were captured well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.records import pack_rows
from core.records.connection import Store
from core.records.pack_rows import PackRow
from domains.parts.station.recipe import Recipe
from domains.parts.station.records.parts import PACK, PART
from domains.parts.station.result import LineReason


@dataclass(frozen=True, slots=True)
class PartShown:
    """A part that was in front of the cameras.

    Attributes:
        number: Its number.
        title: Its id, or its number where it has none.
        pictures: Digest of each of its pictures in the store.
        problem: Why it cannot be learned from; empty where it can.
    """

    number: int
    title: str
    pictures: tuple[str, ...]
    problem: str


def last_part(store: Store, station: str) -> int:
    """Return the number of the newest part on record; 0 before the first.

    Raises:
        StoreError: The database failed.
    """
    rows = pack_rows.rows_of(store, PACK, PART, station, limit=1)
    return rows[0].number if rows else 0


def parts_shown(
    store: Store, station: str, recipe: Recipe, *, after: int = 0, limit: int
) -> Sequence[PartShown]:
    """Return a recipe's newest parts, the newest first; whatever they were judged.

    Args:
        store: The store.
        station: Name of the station.
        recipe: The recipe.
        after: Only parts with a higher number.
        limit: At most so many of the station's parts.

    Raises:
        StoreError: The database failed.
    """
    rows = pack_rows.rows_of(store, PACK, PART, station, after=after, limit=limit)
    return [_shown(row) for row in rows if row.body["recipe"] == recipe.number]


def _shown(row: PackRow) -> PartShown:
    reasons = [LineReason[name] for name in row.body["reasons"]]
    # What the picture shows is for a person to say; how it was taken is not.
    taken_badly = [one.sentence for one in reasons if one.number >= LineReason.FRAME_STALE.number]
    pictures = tuple(frame["sha256"] for frame in row.body["frames"])
    problem = " ".join(taken_badly) or ("" if pictures else "It has no picture on record.")
    return PartShown(row.number, row.subject or f"No. {row.number}", pictures, problem)
