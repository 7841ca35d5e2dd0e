"""Many cases at once: what is still to be read, and what belongs to one subject.

A few statements however many cases there are: the cases with the decision that makes their verdict,
their images with what the files say of themselves. What is in a header is for the pack
to understand; here it is text.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, select

from core.records.case_headers import Headers, headers_of
from core.records.case_status import QueueState
from core.records.cases import WorkItem, item_from_row
from core.records.clearing import awaited_groups, makers_of
from core.records.connection import Store, chunks, reading
from core.records.corrections import is_current
from core.records.tables import (
    CASE_STATUS,
    CASES,
    DECISIONS,
    HEADERS,
    IMAGES,
    RowLike,
)
from core.types import Finding, Reason


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


MAKER = (DECISIONS.c.bundle, DECISIONS.c.bundle_sha256, DECISIONS.c.policy_id)


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


def _listed(store: Store, wanted: ColumnElement[bool]) -> list[ListedCase]:
    query = (
        select(CASE_STATUS, CASES.c.key, *MAKER, DECISIONS.c.findings)
        .join(CASES, CASES.c.id == CASE_STATUS.c.case_id)
        .outerjoin(DECISIONS, DECISIONS.c.id == CASE_STATUS.c.decision_id)
        .where(wanted)
        .order_by(CASE_STATUS.c.opened_at, CASE_STATUS.c.case_id)
    )
    cases = select(CASE_STATUS.c.case_id).where(wanted)
    with reading(store) as connection:
        rows = connection.execute(query).mappings().all()
        headers = headers_of(connection, [IMAGES.c.case_id.in_(cases)])
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


def _unjudged(wanted: ColumnElement[bool]) -> Select[tuple[Any, ...]]:
    decided = exists().where(
        DECISIONS.c.content_key == IMAGES.c.content_key,
        DECISIONS.c.pack == CASE_STATUS.c.pack,
        DECISIONS.c.product == IMAGES.c.product,
    )
    query = select(IMAGES.c.case_id).join(CASE_STATUS, CASE_STATUS.c.case_id == IMAGES.c.case_id)
    return query.where(wanted, ~decided, is_current())


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
