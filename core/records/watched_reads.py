"""What people's reads say of the verdicts that are watched."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, or_, select

from core.records.case_status import REVIEW, QueueState
from core.records.final_reads import FINAL_ANSWER
from core.records.monitored import WatchedRows, reasons_in
from core.records.picture_origins import origins_of_cases
from core.records.table_base import chunks
from core.records.tables import CASE_STATUS, DECISIONS, READ_STATUS, REVIEWS, RowLike
from core.types import Disposition, Reason


@dataclass(frozen=True, slots=True)
class WatchedRead:
    """A case that a person has read, or an automatic positive that waits for one.

    Attributes:
        seq: Number of the decision that makes its verdict.
        decision_id: That decision.
        verdict: What was decided.
        draw_probability: With which probability it was drawn, or would have been as a negative;
            None where no deployment judged it.
        is_drawn: Whether it was.
        reasons: Why the verdict is what it is.
        answer: What the person called it; None while it waits.
        at: When it was answered, or decided where it waits; UTC ISO.
        origins: What its pictures are copies of; empty while they have not been compared.
    """

    seq: int
    decision_id: str
    verdict: Disposition
    draw_probability: float | None
    is_drawn: bool
    reasons: frozenset[str]
    answer: Disposition | None
    at: str
    origins: frozenset[str]


def reads(connection: Connection, rows: WatchedRows) -> list[WatchedRead]:
    """Return the cases that say how often escapes happen, in the order of their decisions.

    Those that people called positive, and automatic positives that wait.
    """
    d, s = DECISIONS.c, CASE_STATUS.c
    columns = (d.seq, d.id, d.disposition, d.audit_probability, d.findings)
    answered = _called_positive(connection)
    found: list[tuple[RowLike, str, str, Disposition | None]] = []
    for some in chunks(list(answered)):
        query = select(*columns).where(d.id.in_(some), rows.condition())
        found += [
            (row, *answered[row["id"]], Disposition.POSITIVE)
            for row in connection.execute(query).mappings()
        ]
    waiting = (
        select(*columns, s.case_id, d.decided_at)
        .join(CASE_STATUS, s.decision_id == d.id)
        .where(
            rows.condition(),
            s.pack == rows.pack,
            s.queue_state == int(QueueState.WAITING),
            s.disposition == Disposition.POSITIVE.value,
        )
    )
    found += [
        (row, row["case_id"], row["decided_at"], None)
        for row in connection.execute(waiting).mappings()
    ]
    origins = origins_of_cases(connection, rows.bundle_sha256, [case for _, case, *_ in found])
    read = [
        _read(row, answer, at, origins.get(case, frozenset())) for row, case, at, answer in found
    ]
    return sorted(read, key=lambda one: one.seq)


def _called_positive(connection: Connection) -> dict[str, tuple[str, str]]:
    """Return by decision the case that people called positive on it, and when."""
    r, s = REVIEWS.c, CASE_STATUS.c
    # Few, and found without looking at the decisions of all reviews.
    query = (
        select(r.decision_id, r.case_id, r.reviewed_at)
        .outerjoin(READ_STATUS, READ_STATUS.c.case_id == r.case_id)
        .join(CASE_STATUS, and_(s.case_id == r.case_id, s.revision == r.revision + 1))
        .where(
            r.kind == REVIEW,
            or_(r.disposition == Disposition.POSITIVE.value, READ_STATUS.c.case_id.is_not(None)),
            FINAL_ANSWER.in_([Disposition.POSITIVE.value]),
        )
    )
    return {decision: (case, at) for decision, case, at in connection.execute(query)}


def count_audited(connection: Connection, rows: WatchedRows) -> int:
    """Return how many audited negatives people have read."""
    d, r, s = DECISIONS.c, REVIEWS.c, CASE_STATUS.c
    query = (
        select(func.count())
        .select_from(DECISIONS)
        .join(REVIEWS, r.decision_id == d.id)
        .outerjoin(READ_STATUS, READ_STATUS.c.case_id == r.case_id)
        .join(CASE_STATUS, and_(s.case_id == r.case_id, s.revision == r.revision + 1))
        .where(
            rows.condition(),
            r.kind == REVIEW,
            FINAL_ANSWER.is_not(None),
            d.findings.contains(f'["{Reason.AUDIT.value}"', autoescape=True),
        )
    )
    return connection.scalar(query) or 0


def _read(
    row: RowLike, answer: Disposition | None, at: str, origins: frozenset[str]
) -> WatchedRead:
    reasons = reasons_in(row["findings"])
    return WatchedRead(
        seq=row["seq"],
        decision_id=row["id"],
        verdict=Disposition(row["disposition"]),
        draw_probability=row["audit_probability"],
        is_drawn=Reason.AUDIT.value in reasons,
        reasons=reasons,
        answer=answer,
        at=at,
        origins=origins,
    )
