"""What people answered on many cases, beside what had been decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, select

from core.records.case_headers import Headers, headers_of
from core.records.case_list import MAKER
from core.records.case_status import REVIEW
from core.records.connection import Store, chunks, reading
from core.records.final_reads import read_states
from core.records.picture_origins import origins_of_cases
from core.records.tables import (
    CASE_STATUS,
    DECISIONS,
    IMAGES,
    REVIEWS,
    RowLike,
)
from core.types import Disposition


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
        headers = headers_of(connection, (IMAGES.c.case_id.in_(ids) for ids in chunks(cases)))
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


def _reviews_of(ids: Collection[str]) -> Select[tuple[Any, ...]]:
    query = select(
        REVIEWS.c.case_id,
        REVIEWS.c.kind,
        REVIEWS.c.disposition,
        REVIEWS.c.reviewed_at,
        *MAKER,
        DECISIONS.c.disposition.label("verdict"),
    ).outerjoin(DECISIONS, DECISIONS.c.id == REVIEWS.c.decision_id)
    return query.where(REVIEWS.c.case_id.in_(ids)).order_by(REVIEWS.c.revision)


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
