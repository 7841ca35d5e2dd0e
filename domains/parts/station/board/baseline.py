"""The baseline of a station's charts: parts that a person looked at and accepted, on record."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import ConfigError
from core.records import pack_rows
from core.records.connection import Store, writing
from core.records.pack_rows import PackRow
from core.records.values import now
from domains.parts.station.part import InspectedPart
from domains.parts.station.records.parts import PACK, PART, from_row
from domains.parts.station.user import StationUser

BASELINE = "baseline"
FEWEST = 100


def accept_baseline(
    store: Store, station: str, parts: Sequence[InspectedPart], *, by: StationUser
) -> None:
    """Put on record that the charts' limits come from these parts from now on.

    Args:
        store: The store.
        station: Name of the station.
        parts: Parts of one product, judged by one bundle, the oldest first.
        by: Who accepts them.

    Raises:
        ConfigError: Nobody signs it, or there are too few parts.
        StoreError: The database failed.
    """
    if not by.is_named or len(parts) < FEWEST:
        raise ConfigError(
            f"A baseline needs a name and {FEWEST} parts; got {by.name!r} and {len(parts)}.",
            hint="Write your name in the sidebar, and wait for more parts.",
        )
    last = parts[-1]
    body = {
        "first": parts[0].trigger.number,
        "last": last.trigger.number,
        "bundle_sha256": last.bundle_sha256,
        "role": by.role.value,
    }
    with writing(store) as connection:
        number = pack_rows.last_number(connection, PACK, BASELINE, station) + 1
        row = PackRow(PACK, BASELINE, station, number, now(), last.product, by.name, None, body)
        pack_rows.add(connection, [row], actor=by.name)


def baseline_parts(store: Store, station: str, like: InspectedPart) -> list[InspectedPart]:
    """Return the parts of the baseline that holds for a part, the oldest first; none without one.

    Another product or another bundle has a baseline of its own.

    Args:
        store: The store.
        station: Name of the station.
        like: A part of the product.

    Raises:
        StoreError: The database failed.
    """
    rows = pack_rows.rows_of(store, PACK, BASELINE, station, subject=like.product, limit=1)
    if (
        not rows
        or (like.bundle_sha256 or rows[0].body["bundle_sha256"]) != (rows[0].body["bundle_sha256"])
    ):
        return []
    body = rows[0].body
    found = pack_rows.rows_of(
        store, PACK, PART, station, after=body["first"] - 1, before=body["last"] + 1
    )
    return [from_row(row) for row in reversed(found) if from_row(row).product == like.product]
