"""Cases that two people have read: what each answered, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from core.decision.second_read import ReadState
from core.records.case_reads import StoredRead, reads_by
from core.records.case_status import REVIEW
from core.records.read_status import ReadKind, answer_of
from core.records.tables import CASES, READ_STATUS, REVIEWS, RowLike
from core.records.values import stamp
from core.types import Disposition

MOST = 20_000
"""Cases looked at, the newest."""


@dataclass(frozen=True, slots=True)
class DoubleRead:
    """A case that two people have read.

    Attributes:
        case_id: The case.
        key: Its group, or the content of its only file.
        state: Where its reads stand.
        readers: Ids of the first and of the second reader.
        categories: What each of them answered.
        outcome: What the case is by its reads; None while that is open.
        label: What was named.
        since: When it was drawn.
    """

    case_id: str
    key: str
    state: ReadState
    readers: tuple[str, str]
    categories: tuple[str, str]
    outcome: Disposition | None
    label: str
    since: datetime


def closed_and_disputed(connection: Connection, pack: str, since: datetime) -> list[DoubleRead]:
    """Return the cases of a pack that two people have read, the one drawn last first.

    Args:
        connection: The caller's transaction.
        pack: The pack's name.
        since: Drawn then or later.
    """
    newest = (
        select(READ_STATUS, CASES.c.key)
        .join(CASES, CASES.c.id == READ_STATUS.c.case_id)
        .where(READ_STATUS.c.pack == pack, READ_STATUS.c.second_reader != "")
        .where(READ_STATUS.c.since >= stamp(since))
        .order_by(READ_STATUS.c.since.desc())
        .limit(MOST)
    )
    statuses = {row["case_id"]: row for row in connection.execute(newest).mappings()}
    firsts = {row["case_id"]: row for row in _standing_reviews(connection, pack, since)}
    seconds = {
        one.case_id: one
        for one in reversed(reads_by(connection, pack=pack))
        if one.kind is ReadKind.SECOND
    }
    return [
        _double_read(row, firsts[name], seconds[name])
        for name, row in statuses.items()
        if name in firsts and name in seconds
    ]


def _standing_reviews(connection: Connection, pack: str, since: datetime) -> Sequence[RowLike]:
    query = (
        select(REVIEWS)
        .join(READ_STATUS, READ_STATUS.c.case_id == REVIEWS.c.case_id)
        .where(READ_STATUS.c.pack == pack, READ_STATUS.c.since >= stamp(since))
        .where(READ_STATUS.c.second_reader != "", REVIEWS.c.kind == REVIEW)
        .order_by(REVIEWS.c.revision)
    )
    return connection.execute(query).mappings().all()


def _double_read(row: RowLike, first: RowLike, second: StoredRead) -> DoubleRead:
    return DoubleRead(
        case_id=row["case_id"],
        key=row["key"],
        state=ReadState(row["state"]),
        readers=(row["first_reader"], row["second_reader"]),
        categories=(answer_of(first, "reviewer").category, second.answer.category),
        outcome=Disposition(row["disposition"]) if row["disposition"] else None,
        label=row["label"],
        since=datetime.fromisoformat(row["since"]),
    )
