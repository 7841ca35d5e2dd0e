"""Many cases at once: what is still to be read, what was read, and what belongs to one subject.

A few statements however many cases there are: the cases with the decision that makes their verdict,
their images with what the files say of themselves, the reviews. What is in a header is for the pack
to understand; here it is text.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, select

from core.records.case_status import REVIEW, QueueState
from core.records.cases import WorkItem, item_from_row
from core.records.clearing import awaited_groups, makers_of
from core.records.connection import Store, chunks, reading
from core.records.corrections import is_current
from core.records.final_reads import read_states
from core.records.image_products import other_products, with_products
from core.records.picture_origins import origins_of_cases
from core.records.tables import (
    CASE_STATUS,
    CASES,
    DECISIONS,
    HEADERS,
    IMAGES,
    REVIEWS,
    RowLike,
)
from core.types import Disposition, Finding, Reason

Headers = tuple[Mapping[str, str], ...]
"""What each image of a case says of itself, in the order received."""


@dataclass(frozen=True, slots=True)
class ListedCase:
    """One case of a list.

    Attributes:
        item: The case as it stands.
        bundle: Name and short hash of the bundle whose decision makes the verdict; empty for none.
        bundle_sha256: Its full hash.
        policy_id: The policy of that decision.
        findings: Why that decision is what it is.
        is_judged: Whether every image of the case has a decision.
        headers: What its images say of themselves.
        makers: Bundle and policy of every decision that stands on its images, where it is negative
            and has several; empty elsewhere.
        is_awaited: Whether it is negative and something was received that may belong to it and is
            not judged yet, or shares its name with another object until a person has decided.
    """

    item: WorkItem
    bundle: str
    bundle_sha256: str
    policy_id: str
    findings: tuple[Finding, ...]
    is_judged: bool
    headers: Headers
    makers: frozenset[tuple[str, str]] = frozenset()
    is_awaited: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """A person's answers on a case, beside what had been decided.

    Attributes:
        case_id: The case.
        bundle: Bundle of the decision before them; empty when there was none.
        policy_id: Policy of that decision.
        verdict: What had been decided; None when nothing had.
        first: The person's first answer since the last undo.
        last: Their answer that stands.
        headers: What the images of the case say of themselves.
        at: When the first answer was given, in UTC.
        origins: What its pictures are copies of, as far as they were compared with those of the
            bundle and with each other.
    """

    case_id: str
    bundle: str
    policy_id: str
    verdict: Disposition | None
    first: Disposition
    last: Disposition
    headers: Headers
    at: datetime
    origins: frozenset[str] = frozenset()


_MAKER = (DECISIONS.c.bundle, DECISIONS.c.bundle_sha256, DECISIONS.c.policy_id)


def list_cases(
    store: Store, pack: str, states: Collection[QueueState] = (QueueState.WAITING,)
) -> list[ListedCase]:
    """Return every case of a pack in some states, in the order in which they came.

    Args:
        store: The store.
        pack: The pack's name.
        states: Where the cases wait, or no more.

    Raises:
        StoreError: The database failed.
    """
    wanted = and_(
        CASE_STATUS.c.pack == pack, CASE_STATUS.c.queue_state.in_([int(state) for state in states])
    )
    return _listed(store, wanted)


def alike(store: Store, pack: str, word: str, text: str, *, most: int = 50) -> list[ListedCase]:
    """Return cases with an image whose header has the same under one word, newest first.

    Every header of the store is looked through; a hundred thousand take about a tenth of a second.

    Args:
        store: The store.
        pack: The pack's name.
        word: The header's word, such as ``patient_id``.
        text: What it must say, exactly; nothing is like an empty text.
        most: At most so many cases.

    Raises:
        StoreError: The database failed.
    """
    if not text:
        return []
    query = (
        select(IMAGES.c.case_id, HEADERS.c.meta)
        .join(HEADERS, HEADERS.c.id == IMAGES.c.id)
        .where(HEADERS.c.meta.contains(json.dumps(text), autoescape=True), is_current())
    )
    with reading(store) as connection:
        rows = connection.execute(query)
        cases = sorted({case for case, meta in rows if json.loads(meta).get(word) == text})
    found = [
        one
        for ids in chunks(cases)
        for one in _listed(store, and_(CASE_STATUS.c.pack == pack, CASE_STATUS.c.case_id.in_(ids)))
    ]
    return sorted(found, key=lambda one: one.item.opened_at, reverse=True)[:most]


def reads(store: Store, pack: str, *, most: int = 5000) -> list[Read]:
    """Return people's reads of the cases of a pack that they did not take back, newest first.

    Both answers on a case that was read twice are what its reads came to; one of which that is
    still open is left out.

    Args:
        store: The store.
        pack: The pack's name.
        most: At most so many cases.

    Raises:
        StoreError: The database failed.
    """
    newest = (
        select(REVIEWS.c.case_id)
        .join(
            CASE_STATUS,
            and_(
                CASE_STATUS.c.case_id == REVIEWS.c.case_id,
                CASE_STATUS.c.revision == REVIEWS.c.revision + 1,
            ),
        )
        .where(CASE_STATUS.c.pack == pack, REVIEWS.c.kind == REVIEW)
        .order_by(REVIEWS.c.reviewed_at.desc())
        .limit(most)
    )
    with reading(store) as connection:
        cases = list(connection.scalars(newest))
        rows: dict[str, list[RowLike]] = defaultdict(list)
        for ids in chunks(cases):
            for row in connection.execute(_reviews_of(ids)).mappings():
                rows[row["case_id"]].append(row)
        headers = _headers(connection, (IMAGES.c.case_id.in_(ids) for ids in chunks(cases)))
        twice = read_states(connection, cases)
        origins = _origins(connection, rows)
    return [
        replace(
            _as_decided(_read(rows[case], headers.get(case, ())), twice.get(case)),
            origins=origins.get(case, frozenset()),
        )
        for case in cases
        if case not in twice or twice[case]["disposition"]
    ]


def _origins(
    connection: Connection, rows: Mapping[str, Sequence[RowLike]]
) -> dict[str, frozenset[str]]:
    by_bundle: dict[str, list[str]] = defaultdict(list)
    for case, own in rows.items():
        by_bundle[own[-1]["bundle_sha256"] or ""].append(case)
    found: dict[str, frozenset[str]] = {}
    for sha256, cases in by_bundle.items():
        found |= origins_of_cases(connection, sha256, cases)
    return found


def _as_decided(read: Read, twice: RowLike | None) -> Read:
    if twice is None:
        return read
    decided = Disposition(twice["disposition"])
    return replace(read, first=decided, last=decided)


def _listed(store: Store, wanted: ColumnElement[bool]) -> list[ListedCase]:
    query = (
        select(CASE_STATUS, CASES.c.key, *_MAKER, DECISIONS.c.findings)
        .join(CASES, CASES.c.id == CASE_STATUS.c.case_id)
        .outerjoin(DECISIONS, DECISIONS.c.id == CASE_STATUS.c.decision_id)
        .where(wanted)
        .order_by(CASE_STATUS.c.opened_at, CASE_STATUS.c.case_id)
    )
    cases = select(CASE_STATUS.c.case_id).where(wanted)
    with reading(store) as connection:
        rows = connection.execute(query).mappings().all()
        headers = _headers(connection, [IMAGES.c.case_id.in_(cases)])
        waiting: set[str] = set(connection.scalars(_unjudged(wanted)))
        makers = makers_of(connection, wanted)
        clearable = {row["pack"] for row in rows if row["queue_state"] == QueueState.NEGATIVE}
        expected = awaited_groups(connection, clearable) if clearable else set()
    return [
        replace(
            _case(row, headers.get(row["case_id"], ()), waiting),
            makers=frozenset(makers.get(row["case_id"], {}).values()),
            is_awaited=row["key"] in expected,
        )
        for row in rows
    ]


def _headers(connection: Connection, some: Iterable[ColumnElement[bool]]) -> dict[str, Headers]:
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


def _unjudged(wanted: ColumnElement[bool]) -> Select[tuple[Any, ...]]:
    decided = exists().where(
        DECISIONS.c.content_key == IMAGES.c.content_key,
        DECISIONS.c.pack == CASE_STATUS.c.pack,
        DECISIONS.c.product == IMAGES.c.product,
    )
    query = select(IMAGES.c.case_id).join(CASE_STATUS, CASE_STATUS.c.case_id == IMAGES.c.case_id)
    return query.where(wanted, ~decided, is_current())


def _reviews_of(ids: Collection[str]) -> Select[tuple[Any, ...]]:
    query = select(
        REVIEWS.c.case_id,
        REVIEWS.c.kind,
        REVIEWS.c.disposition,
        REVIEWS.c.reviewed_at,
        *_MAKER,
        DECISIONS.c.disposition.label("verdict"),
    ).outerjoin(DECISIONS, DECISIONS.c.id == REVIEWS.c.decision_id)
    return query.where(REVIEWS.c.case_id.in_(ids)).order_by(REVIEWS.c.revision)


def _case(row: RowLike, headers: Headers, waiting: Collection[str]) -> ListedCase:
    findings = json.loads(row["findings"] or "[]")
    return ListedCase(
        item=item_from_row(row),
        bundle=row["bundle"] or "",
        bundle_sha256=row["bundle_sha256"] or "",
        policy_id=row["policy_id"] or "",
        findings=tuple(Finding(Reason(reason), *rest) for reason, *rest in findings),
        is_judged=row["case_id"] not in waiting,
        headers=headers,
    )


def _read(rows: list[RowLike], headers: Headers) -> Read:
    undone = max((i for i, row in enumerate(rows) if row["kind"] != REVIEW), default=-1)
    status = rows[undone + 1 :]
    last = status[-1]
    return Read(
        case_id=last["case_id"],
        bundle=last["bundle"] or "",
        policy_id=last["policy_id"] or "",
        verdict=Disposition(last["verdict"]) if last["verdict"] else None,
        first=Disposition(status[0]["disposition"]),
        last=Disposition(last["disposition"]),
        headers=headers,
        at=datetime.fromisoformat(status[0]["reviewed_at"]),
    )
