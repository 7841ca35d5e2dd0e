"""What came and what people answered, hour by hour: the figures of an overview."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import and_, case, func, select

from core.records.case_status import REVIEW
from core.records.connection import Store, reading
from core.records.final_reads import FINAL_ANSWER
from core.records.tables import CASE_STATUS, DECISIONS, READ_STATUS, REVIEWS
from core.records.values import stamp
from core.types import Disposition, Reason

MOST_ANSWERS = 50_000
"""Answers read at the most, the newest."""

_HOUR = len("2026-11-29T22")

# The status of a case of one image says all of its decision: looking that up costs as much as the
# rest of an answer, and is left to cases of which another decision was answered.
_STANDS_STILL = and_(
    CASE_STATUS.c.decision_id == REVIEWS.c.decision_id,
    REVIEWS.c.decision_id != "",
    CASE_STATUS.c.images == 1,
)
_OTHER_DECISION = case((_STANDS_STILL, None), else_=REVIEWS.c.decision_id)
_VERDICT = case((_STANDS_STILL, CASE_STATUS.c.disposition), else_=DECISIONS.c.disposition)
_IS_DRAWN = case(
    (_STANDS_STILL, (" " + CASE_STATUS.c.reasons + " ").contains(f" {Reason.AUDIT.value} ")),
    else_=DECISIONS.c.findings.contains(f'["{Reason.AUDIT.value}"', autoescape=True),
)


class HourOfCases(NamedTuple):
    """Cases whose first image came in one hour."""

    start: datetime
    product: str
    verdict: Disposition


class AnsweredCase(NamedTuple):
    """A person's standing answer on a case, beside the verdict that it was given on.

    Attributes:
        case_id: The case.
        product: Which of the pack's products it is of.
        sites: Where its images come from; an empty one where nothing names any.
        reviewer: Who.
        at: When, in UTC.
        answer: What the person decided.
        verdict: The automatic verdict; None where the case had none.
        is_drawn: Whether the audit draw brought it to the person, who did not know the verdict.
    """

    case_id: str
    product: str
    sites: tuple[str, ...]
    reviewer: str
    at: datetime
    answer: Disposition
    verdict: Disposition | None
    is_drawn: bool

    @property
    def is_override(self) -> bool:
        """Whether a person decided against an automatic verdict."""
        automatic = self.verdict in (Disposition.NEGATIVE, Disposition.POSITIVE)
        return automatic and self.answer is not self.verdict


def count_cases(store: Store, pack: str, since: datetime) -> Mapping[HourOfCases, int]:
    """Return how many cases of a pack came since a moment, by hour, product and verdict.

    Raises:
        StoreError: The database failed.
    """
    status = CASE_STATUS.c
    hour = func.substr(status.opened_at, 1, _HOUR)
    query = (
        select(hour, status.product, status.disposition, func.count())
        .where(status.pack == pack, status.opened_at >= stamp(since))
        .group_by(hour, status.product, status.disposition)
    )
    with reading(store) as connection:
        rows = connection.execute(query).all()
    return {
        HourOfCases(
            datetime.fromisoformat(f"{text}:00").replace(tzinfo=UTC), product, Disposition(verdict)
        ): count
        for text, product, verdict, count in rows
    }


def answered_since(
    store: Store, pack: str, since: datetime, most: int = MOST_ANSWERS
) -> list[AnsweredCase]:
    """Return the answers of a pack that stand and were given since a moment, newest first.

    Of a case that is read twice it is what its reads came to, and none while they are open.

    Raises:
        StoreError: The database failed.
    """
    query = (
        select(
            REVIEWS.c.case_id,
            CASE_STATUS.c.product,
            CASE_STATUS.c.sites,
            REVIEWS.c.reviewer,
            REVIEWS.c.reviewed_at,
            FINAL_ANSWER,
            _VERDICT,
            _IS_DRAWN,
        )
        .join(
            CASE_STATUS,
            and_(
                CASE_STATUS.c.case_id == REVIEWS.c.case_id,
                CASE_STATUS.c.revision == REVIEWS.c.revision + 1,
            ),
        )
        .outerjoin(READ_STATUS, READ_STATUS.c.case_id == REVIEWS.c.case_id)
        .outerjoin(DECISIONS, DECISIONS.c.id == _OTHER_DECISION)
        .where(
            # An expression has no index: SQLite would walk every case of the pack, not the answers.
            CASE_STATUS.c.pack.concat("") == pack,
            REVIEWS.c.kind == REVIEW,
            FINAL_ANSWER.is_not(None),
            REVIEWS.c.reviewed_at >= stamp(since),
        )
        .order_by(REVIEWS.c.reviewed_at.desc())
        .limit(most)
    )
    with reading(store) as connection:
        rows = connection.execute(query).all()
    # Of these there are few different ones, and looking one up is cheaper than making it.
    sites_of = {text: tuple(text.split("\n")) for text in {row[2] for row in rows}}
    known: dict[str | None, Disposition] = {one.value: one for one in Disposition}
    return [
        AnsweredCase(
            case_id,
            product,
            sites_of[sites],
            reviewer,
            datetime.fromisoformat(at),
            known[answer],
            known.get(verdict),
            bool(is_drawn),
        )
        for case_id, product, sites, reviewer, at, answer, verdict, is_drawn in rows
    ]
