"""What the monitor reads of the rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    func,
    literal,
    or_,
    select,
)

from core.records.case_status import REVIEW, QueueState
from core.records.final_reads import FINAL_ANSWER, FINAL_LABEL
from core.records.tables import (
    AUDIT_EVENTS,
    CASE_STATUS,
    DECISIONS,
    IMAGES,
    OBSERVATIONS,
    READ_STATUS,
    REVIEWS,
)
from core.records.tiles import DECIDES_ON_TILE
from core.records.values import stamp
from core.types import Disposition, Reason


@dataclass(frozen=True, slots=True)
class WatchedRows:
    """Which decisions are watched together: those of one policy that is in force.

    Tiles of a larger picture are left out: those of one field are alike, and which of them are on
    record depends on their verdicts, so that they would look like a change.

    Attributes:
        pack: The pack's name.
        product: The product; empty for all that have no deployment of their own.
        own: Products that have one, where ``product`` is empty.
        bundle_sha256: Hash of the bundle.
        policy_id: The policy.
        since: Since when it has been in force.
    """

    pack: str
    product: str
    own: frozenset[str]
    bundle_sha256: str
    policy_id: str
    since: datetime

    def condition(self) -> ColumnElement[bool]:
        """Return the condition on rows of ``decisions``."""
        d = DECISIONS.c
        own = sorted(self.own)
        of_product = d.product == self.product if self.product else d.product.not_in(own)
        return and_(
            d.pack == self.pack,
            of_product,
            d.bundle_sha256 == self.bundle_sha256,
            d.policy_id == self.policy_id,
            d.decided_at >= stamp(self.since),
            ~DECIDES_ON_TILE,
        )


@dataclass(frozen=True, slots=True)
class WatchedPicture:
    """A decision as the monitor takes it.

    Attributes:
        seq: Its number.
        id: The decision.
        case_id: A case that its picture belongs to.
        ood_p: None where there is no such number.
        positive_probability: None where there is none.
        reasons: Why it is what it is.
        source: Who or what the picture came from.
        measures: What was measured on it.
        decided_at: When, UTC ISO.
    """

    seq: int
    id: str
    case_id: str
    ood_p: float | None
    positive_probability: float | None
    reasons: frozenset[str]
    source: str
    measures: Mapping[str, float | str]
    decided_at: str


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
    """

    seq: int
    decision_id: str
    verdict: Disposition
    draw_probability: float | None
    is_drawn: bool
    reasons: frozenset[str]
    answer: Disposition | None


def head(connection: Connection) -> int:
    """Return the number of the newest event: whatever is written to the store changes it."""
    return connection.scalar(select(func.max(AUDIT_EVENTS.c.seq))) or 0


def pictures_after(
    connection: Connection, rows: WatchedRows, seq: int, limit: int
) -> list[WatchedPicture]:
    """Return decisions after a number, in their order.

    Args:
        connection: An open one.
        rows: Which.
        seq: The number.
        limit: At most so many.
    """
    d = DECISIONS.c
    case = (
        select(func.min(IMAGES.c.case_id))
        .where(IMAGES.c.content_key == d.content_key, IMAGES.c.product == d.product)
        .scalar_subquery()
    )
    query = (
        select(
            d.seq,
            d.id,
            case.label("case_id"),
            d.ood_p,
            d.positive_probability,
            d.findings,
            d.decided_at,
            OBSERVATIONS.c.source,
            OBSERVATIONS.c.measures,
        )
        .outerjoin(OBSERVATIONS, OBSERVATIONS.c.id == d.id)
        .where(d.seq > seq, rows.condition())
        .order_by(d.seq)
        .limit(limit)
    )
    return [
        WatchedPicture(
            seq=row["seq"],
            id=row["id"],
            case_id=row["case_id"] or "",
            ood_p=row["ood_p"],
            positive_probability=row["positive_probability"],
            reasons=_reasons(row["findings"]),
            source=row["source"] or "",
            measures=json.loads(row["measures"] or "{}"),
            decided_at=row["decided_at"],
        )
        for row in connection.execute(query).mappings()
    ]


def reads(connection: Connection, rows: WatchedRows) -> list[WatchedRead]:
    """Return the cases that say how often escapes happen, in the order of their decisions.

    Those that people called positive, and automatic positives that wait.
    """
    d, r, s = DECISIONS.c, REVIEWS.c, CASE_STATUS.c
    columns = (d.seq, d.id, d.disposition, d.audit_probability, d.findings)
    # Few, and found without looking at the decisions of all reviews.
    positive = (
        select(r.decision_id)
        .outerjoin(READ_STATUS, READ_STATUS.c.case_id == r.case_id)
        .join(CASE_STATUS, and_(s.case_id == r.case_id, s.revision == r.revision + 1))
        .where(
            r.kind == REVIEW,
            or_(r.disposition == Disposition.POSITIVE.value, READ_STATUS.c.case_id.is_not(None)),
            FINAL_ANSWER.in_([Disposition.POSITIVE.value]),
        )
    )
    answered = select(*columns, literal(Disposition.POSITIVE.value).label("answer")).where(
        d.id.in_(positive), rows.condition()
    )
    waiting = (
        select(*columns)
        .join(CASE_STATUS, s.decision_id == d.id)
        .where(
            rows.condition(),
            s.pack == rows.pack,
            s.queue_state == int(QueueState.WAITING),
            s.disposition == Disposition.POSITIVE.value,
        )
    )
    found = [*connection.execute(answered).mappings(), *connection.execute(waiting).mappings()]
    return sorted((_read(row) for row in found), key=lambda one: one.seq)


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


def _read(row: Any) -> WatchedRead:  # noqa: ANN401
    reasons = _reasons(row["findings"])
    answer = row.get("answer")
    return WatchedRead(
        seq=row["seq"],
        decision_id=row["id"],
        verdict=Disposition(row["disposition"]),
        draw_probability=row["audit_probability"],
        is_drawn=Reason.AUDIT.value in reasons,
        reasons=reasons,
        answer=Disposition(answer) if answer else None,
    )


def _reasons(findings: str) -> frozenset[str]:
    return frozenset(code for code, *_ in json.loads(findings or "[]"))


def undeployed(
    connection: Connection, pack: str, own: Collection[str], newest: int = 200
) -> tuple[str, str, str] | None:
    """Return bundle, its hash and policy that judge a pack's products without a deployment.

    A worker was given that bundle: its negatives are drawn for the audit. What was only looked at
    draws nothing, and is not watched.

    Args:
        connection: An open one.
        pack: The pack's name.
        own: Products that have a deployment.
        newest: How many of the newest decisions are looked at.
    """
    d = DECISIONS.c
    query = select(d.bundle, d.bundle_sha256, d.policy_id, d.product, d.audit_probability)
    query = query.where(d.pack == pack).order_by(d.seq.desc()).limit(newest)
    for row in connection.execute(query):
        if row.product not in own and row.audit_probability is not None:
            return row.bundle, row.bundle_sha256, row.policy_id
    return None


def answered_label_sets(
    connection: Connection, rows: WatchedRows, most: int = 5000
) -> Sequence[tuple[str, str, tuple[str, ...]]]:
    """Return when people named a label, which, and the label set of the picture, oldest first.

    Args:
        connection: An open one.
        rows: Which.
        most: At most so many, the newest.
    """
    d, r, s = DECISIONS.c, REVIEWS.c, CASE_STATUS.c
    query = (
        select(r.reviewed_at, FINAL_LABEL, OBSERVATIONS.c.label_set)
        .join(DECISIONS, r.decision_id == d.id)
        .join(OBSERVATIONS, OBSERVATIONS.c.id == d.id)
        .join(CASE_STATUS, and_(s.case_id == r.case_id, s.revision == r.revision + 1))
        .outerjoin(READ_STATUS, READ_STATUS.c.case_id == r.case_id)
        .where(rows.condition(), r.kind == REVIEW, FINAL_LABEL != "", s.images == 1)
        .order_by(r.reviewed_at.desc())
        .limit(most)
    )
    found = [(at, label, tuple(json.loads(one))) for at, label, one in connection.execute(query)]
    return [one for one in reversed(found) if one[2]]
