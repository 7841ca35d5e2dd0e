"""Which reviewed pictures are copies of others: worked out once, and kept for each bundle."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, and_, func, insert, or_, select

from core.records.case_status import QueueState
from core.records.connection import Store, chunks, reading, writing
from core.records.tables import (
    CASE_STATUS,
    CASES,
    COMPARED_PICTURES,
    DECISIONS,
    IMAGES,
    PICTURE_ORIGINS,
)
from core.types import Disposition

IN_BUNDLE = "bundle"
"""The origin of a copy of a picture that the bundle was trained or certified on."""


@dataclass(frozen=True, slots=True)
class ComparedPictures:
    """Pictures that no earlier one is the origin of, and what they are known again by.

    Attributes:
        contents: Content of each.
        fingerprints: Arrays of ``core.checking.fingerprints`` as safetensors, one row a picture.
    """

    contents: tuple[str, ...]
    fingerprints: bytes


def origins_of(store: Store, bundle_sha256: str) -> dict[str, str]:
    """Return the origin of each picture compared with those of a bundle and with each other.

    Raises:
        StoreError: The database failed.
    """
    rows = PICTURE_ORIGINS.c
    query = select(rows.content_key, rows.origin).where(rows.bundle_sha256 == bundle_sha256)
    with reading(store) as connection:
        return {row.content_key: row.origin for row in connection.execute(query)}


def origins_of_cases(
    connection: Connection, bundle_sha256: str, case_ids: Sequence[str]
) -> dict[str, frozenset[str]]:
    """Return the origins of each case's pictures, as far as they were compared.

    Args:
        connection: An open one.
        bundle_sha256: The bundle that judged them.
        case_ids: The cases.
    """
    images, rows = IMAGES.c, PICTURE_ORIGINS.c
    shown: list[tuple[str, str]] = []
    for some in chunks(case_ids):
        query = select(images.case_id, images.content_key).where(images.case_id.in_(some))
        shown += [(case_id, content) for case_id, content in connection.execute(query)]
    origin_of: dict[str, str] = {}
    # Apart, since in one query SQLite would walk all that was ever compared.
    for contents in chunks(sorted({content for _, content in shown})):
        known = select(rows.content_key, rows.origin).where(
            rows.bundle_sha256 == bundle_sha256, rows.content_key.in_(contents)
        )
        origin_of.update((row.content_key, row.origin) for row in connection.execute(known))
    found: dict[str, set[str]] = defaultdict(set)
    for case_id, content in shown:
        if content in origin_of:
            found[case_id].add(origin_of[content])
    return {case_id: frozenset(origins) for case_id, origins in found.items()}


def pictures_to_compare(
    store: Store, pack: str, bundle_sha256: str, most: int, *, with_waiting: bool = False
) -> list[str]:
    """Return pictures that are still to be compared, by their cases' arrival.

    Those of reviewed cases, and if wanted those of automatic positives that wait for a person,
    which the monitor counts as found.

    Args:
        store: The store.
        pack: The pack's name.
        bundle_sha256: The bundle that judged them.
        most: At most so many.
        with_waiting: Whether those that wait are compared too.

    Raises:
        StoreError: The database failed.
    """
    query = (
        _to_compare(pack, bundle_sha256, with_waiting=with_waiting)
        .group_by(IMAGES.c.content_key)
        .order_by(func.min(CASES.c.opened_at), IMAGES.c.content_key)
        .limit(most)
    )
    with reading(store) as connection:
        return list(connection.scalars(query))


def has_to_compare(store: Store, pack: str, bundle_sha256: str) -> bool:
    """Return whether a picture that was reviewed, or waits as a positive, is to be compared.

    Raises:
        StoreError: The database failed.
    """
    query = _to_compare(pack, bundle_sha256, with_waiting=True).limit(1)
    with reading(store) as connection:
        return connection.scalar(query) is not None


def _to_compare(pack: str, bundle_sha256: str, *, with_waiting: bool) -> Select[tuple[str]]:
    judged = and_(
        DECISIONS.c.content_key == IMAGES.c.content_key,
        DECISIONS.c.pack == CASE_STATUS.c.pack,
        DECISIONS.c.bundle_sha256 == bundle_sha256,
        ~DECISIONS.c.is_provisional,
    )
    known = and_(
        PICTURE_ORIGINS.c.bundle_sha256 == bundle_sha256,
        PICTURE_ORIGINS.c.content_key == IMAGES.c.content_key,
    )
    state, verdict = CASE_STATUS.c.queue_state, CASE_STATUS.c.disposition
    waits = and_(state == int(QueueState.WAITING), verdict == Disposition.POSITIVE.value)
    reviewed = state == int(QueueState.REVIEWED)
    return (
        select(IMAGES.c.content_key)
        .join(CASE_STATUS, CASE_STATUS.c.case_id == IMAGES.c.case_id)
        .join(CASES, CASES.c.id == IMAGES.c.case_id)
        .join(DECISIONS, judged)
        .outerjoin(PICTURE_ORIGINS, known)
        .where(
            CASE_STATUS.c.pack == pack,
            or_(reviewed, waits) if with_waiting else reviewed,
            PICTURE_ORIGINS.c.content_key.is_(None),
        )
    )


def compared_pictures(store: Store, bundle_sha256: str, most: int) -> list[ComparedPictures]:
    """Return what was compared with a bundle's pictures last, the newest first.

    Args:
        store: The store.
        bundle_sha256: The bundle.
        most: As many as hold so many pictures, or one more.

    Raises:
        StoreError: The database failed.
    """
    rows = COMPARED_PICTURES.c
    query = (
        select(rows.contents, rows.fingerprints)
        .where(rows.bundle_sha256 == bundle_sha256)
        .order_by(rows.number.desc())
    )
    found: list[ComparedPictures] = []
    with (
        reading(store) as connection,
        connection.execute(query, execution_options={"yield_per": 1}) as listed,
    ):
        for names, data in listed:
            if sum(len(one.contents) for one in found) >= most:
                break
            found.append(ComparedPictures(tuple(json.loads(names)), data))
    return found


def count_origins(store: Store, bundle_sha256: str) -> int:
    """Return how many pictures were compared with a bundle's and are copies of no earlier one.

    Raises:
        StoreError: The database failed.
    """
    rows = PICTURE_ORIGINS.c
    query = select(func.count(rows.content_key)).where(
        rows.bundle_sha256 == bundle_sha256, rows.origin == rows.content_key
    )
    with reading(store) as connection:
        return connection.scalar(query) or 0


def times_compared(store: Store, bundle_sha256: str = "") -> int:
    """Return how many times pictures were compared with a bundle's, with all bundles' if empty.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return _times(connection, bundle_sha256)


def keep_origins(
    store: Store,
    bundle_sha256: str,
    number: int,
    compared: ComparedPictures,
    origins: Mapping[str, str],
) -> bool:
    """Return whether origins were kept: not where somebody else compared pictures meanwhile.

    The disk is not waited for: what a power cut takes is compared again.

    Args:
        store: The store.
        bundle_sha256: The bundle.
        number: How many times pictures had been compared before.
        compared: Those of them that are copies of none.
        origins: The origin of each.

    Raises:
        StoreError: The database failed.
    """
    with writing(store, is_durable=False) as connection:
        if _times(connection, bundle_sha256) != number:
            return False
        row = {
            "bundle_sha256": bundle_sha256,
            "number": number,
            "contents": json.dumps(compared.contents),
            "fingerprints": compared.fingerprints,
        }
        connection.execute(insert(COMPARED_PICTURES), row)
        connection.execute(insert(PICTURE_ORIGINS), _rows(bundle_sha256, origins))
        return True


def _times(connection: Connection, bundle_sha256: str) -> int:
    query = select(func.count(COMPARED_PICTURES.c.number))
    if bundle_sha256:
        query = query.where(COMPARED_PICTURES.c.bundle_sha256 == bundle_sha256)
    return int(connection.scalar(query) or 0)


def _rows(bundle_sha256: str, origins: Mapping[str, str]) -> Sequence[dict[str, str]]:
    return [
        {"bundle_sha256": bundle_sha256, "content_key": content, "origin": origin}
        for content, origin in origins.items()
    ]
