"""Recording decisions and reading them back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Table, bindparam, insert, select, union

from core.errors import StoreError
from core.records import hash_chain
from core.records.case_status import refresh
from core.records.clearings import still_cleared
from core.records.connection import Store, chunks, open_store, reading, writing
from core.records.in_force import Additions, additions
from core.records.new_decision import NewDecision, new_decision
from core.records.new_rows import case_rows, header_rows, image_rows, observation_rows
from core.records.row_mapping import from_row
from core.records.tables import (
    CASES,
    DECISIONS,
    HEADERS,
    IMAGES,
    OBSERVATIONS,
    RECEIPTS,
    REINSTATEMENTS,
)
from core.records.tiles import DECIDES_ON_TILE
from core.records.values import UNREAD, StoredDecision, now, stamp
from core.types import Disposition

__all__ = [
    "NewDecision",
    "Store",
    "StoredDecision",
    "cases_of",
    "decision",
    "decisions",
    "judged_products",
    "new_decision",
    "open_store",
    "record",
    "record_decisions",
    "recorded_blobs",
    "rehearse",
]

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_PRESENT = {
    table: select(table.c.id).where(table.c.id.in_(_IDS)) for table in (CASES, IMAGES, HEADERS)
}
_DECISIONS = select(DECISIONS).where(DECISIONS.c.id.in_(_IDS))
_CASES_WITH = select(IMAGES.c.case_id).where(IMAGES.c.content_key.in_(_IDS))


def record(
    store: Store,
    batch: Sequence[NewDecision],
    *,
    actor: str = "assay",
    at: datetime | None = None,
    also: Callable[[Connection, Sequence[str]], None] | None = None,
) -> list[str]:
    """Return the ids of the decisions that hold, a batch kept with one audit event.

    Of one content, bundle, policy and product the decision on record holds, unless a passing
    failure is on record there, or a negative that no audit draw was made for. Judging again under
    an earlier policy makes its decision hold anew.

    Put the blobs first: a row never points at a picture that is not on disk.

    Args:
        store: The store.
        batch: Decisions in the order in which they were made.
        actor: Who is answerable, for the audit log.
        at: When the images were received; now, unless given.
        also: Writes more in the same transaction, given the ids of the decisions that hold.

    Returns:
        The ids of the decisions that hold, in the order of the batch.

    Raises:
        StoreError: The database failed; nothing of the batch was kept.
    """
    with writing(store) as connection:
        ids = _add(connection, batch, actor, at or now()).ids
        if also:
            also(connection, ids)
    return ids


def record_decisions(
    store: Store, batch: Sequence[NewDecision]
) -> list[tuple[str, StoredDecision]]:
    """Return the decisions that hold with their ids, kept as a batch as by ``record``.

    New ones are as they were written, others as they are on record.

    Raises:
        StoreError: The database failed; nothing of the batch was kept.
    """
    with writing(store) as connection:
        added = _add(connection, batch, "assay", now())
        earlier = _read(connection, set(added.ids) - added.written.keys())
    kept = {**earlier, **added.written}
    return [(decision_id, kept[decision_id]) for decision_id in added.ids]


def rehearse(store: Store, batch: Sequence[NewDecision]) -> None:
    """Do all that ``record`` does and take it back, so that the next one does nothing anew.

    Raises:
        StoreError: The database failed.
    """
    with writing(store) as connection:
        savepoint = connection.begin_nested()
        _add(connection, batch, "assay", now())
        savepoint.rollback()


def _add(
    connection: Connection, batch: Sequence[NewDecision], actor: str, received: datetime
) -> Additions:
    added = additions(connection, batch, received)
    cases = _absent(connection, CASES, case_rows(batch, stamp(received)))
    images = _absent(connection, IMAGES, image_rows(batch, stamp(received)), "case_id", cases)
    rows = {
        CASES: cases,
        IMAGES: images,
        HEADERS: _absent(connection, HEADERS, header_rows(batch), "id", images),
        DECISIONS: added.decisions,
        REINSTATEMENTS: added.reinstatements,
        OBSERVATIONS: list(observation_rows(batch, added.ids, added.written)),
    }
    for table, new in rows.items():
        if new:
            connection.execute(insert(table), new)
    if any(rows.values()):
        touched = _touched(connection, batch, added.changed)
        hash_chain.append(
            connection,
            actor=actor,
            action="record",
            subject=", ".join(sorted({new.decision.pack for new in batch})),
            rows={table.name: new for table, new in rows.items()},
            at=received,
            cases=touched,
        )
        refresh(connection, touched)
    return added


def decision(store: Store, decision_id: str) -> StoredDecision:
    """Return one decision.

    Raises:
        StoreError: There is no such decision, or the database failed.
    """
    with reading(store) as connection:
        query = select(DECISIONS).where(DECISIONS.c.id == decision_id)
        row = connection.execute(query).mappings().first()
    if row is None:
        raise StoreError(
            f"The store holds no decision {decision_id!r}.",
            hint="Take the id from the review page or the audit log.",
        )
    return from_row(row)


def _read(connection: Connection, ids: Collection[str]) -> dict[str, StoredDecision]:
    return {
        row["id"]: from_row(row)
        for some in chunks(sorted(ids))
        for row in connection.execute(_DECISIONS, {"ids": some}).mappings()
    }


def decisions(
    store: Store,
    *,
    pack: str | None = None,
    product: str | None = None,
    bundle_sha256: str | None = None,
    policy_id: str | None = None,
    disposition: Disposition | None = None,
    has_tiles: bool = True,
    since: datetime | None = None,
    limit: int | None = None,
) -> list[StoredDecision]:
    """Return decisions, the last recorded first.

    Args:
        store: The store.
        pack: Only this pack's.
        product: Only this product's.
        bundle_sha256: Only this bundle's.
        policy_id: Only this policy's.
        disposition: Only these.
        has_tiles: Whether those on tiles of larger pictures are among them.
        since: Only those decided then or later.
        limit: At most so many.

    Raises:
        StoreError: The database failed.
    """
    columns = DECISIONS.c
    equal = {
        columns.pack: pack,
        columns.product: product,
        columns.bundle_sha256: bundle_sha256,
        columns.policy_id: policy_id,
        columns.disposition: disposition and disposition.value,
    }
    query = select(DECISIONS).order_by(columns.seq.desc()).limit(limit)
    query = query.where(*(column == value for column, value in equal.items() if value is not None))
    if not has_tiles:
        query = query.where(~DECIDES_ON_TILE)
    if since is not None:
        query = query.where(columns.decided_at >= stamp(since))
    with reading(store) as connection:
        return [from_row(row) for row in connection.execute(query).mappings()]


def judged_products(store: Store, pack: str) -> list[str]:
    """Return the products of a pack that have decisions.

    Raises:
        StoreError: The database failed.
    """
    query = select(DECISIONS.c.product).where(DECISIONS.c.pack == pack).distinct()
    with reading(store) as connection:
        return sorted(connection.scalars(query))


def cases_of(store: Store, decision: StoredDecision) -> list[str]:
    """Return the ids of the cases that hold the content of a decision.

    Raises:
        StoreError: The database failed.
    """
    query = select(CASES.c.id).join(IMAGES, IMAGES.c.case_id == CASES.c.id)
    query = query.where(
        IMAGES.c.content_key == decision.content_key,
        CASES.c.pack == decision.pack,
        IMAGES.c.product == decision.product,
    )
    with reading(store) as connection:
        return sorted(set(connection.scalars(query)))


def recorded_blobs(store: Store) -> list[str]:
    """Return the sha256 of every picture that a row points at, for `core.records.blobs.verify`.

    Raises:
        StoreError: The database failed.
    """
    query = union(select(IMAGES.c.content_key), select(RECEIPTS.c.sha256)).order_by("content_key")
    with reading(store) as connection:
        gone = still_cleared(connection)
        keys = connection.scalars(query)
        return [key for key in keys if key not in gone and not key.startswith(UNREAD)]


def _absent(
    connection: Connection,
    table: Table,
    rows: Iterable[dict[str, Any]],
    parent: str = "",
    new_parents: Iterable[dict[str, Any]] = (),
) -> list[dict[str, Any]]:
    # Looked up, not inserted-or-ignored: the audit event must name exactly what is new, and no
    # other writer can come between. A row whose parent is new cannot be there.
    unique: dict[str, dict[str, Any]] = {}
    for row in rows:
        unique.setdefault(row["id"], row)
    new = {row["id"] for row in new_parents}
    asked = [name for name, row in unique.items() if row.get(parent) not in new]
    for ids in chunks(asked):
        for present in connection.scalars(_PRESENT[table], {"ids": ids}):
            del unique[present]
    return list(unique.values())


def _touched(
    connection: Connection, batch: Sequence[NewDecision], changed: Collection[str]
) -> set[str]:
    # Another decision on known content changes every case that holds the content.
    cases = {item.case_id for item in batch}
    for keys in chunks(sorted(changed)):
        cases |= set(connection.scalars(_CASES_WITH, {"ids": keys}))
    return cases
