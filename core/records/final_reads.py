"""What each reviewed case is by its reads: the reference standard of all figures.

A case that one person reads is what they answered. A case drawn for a second read is what both
agreed on, or what a third person decided; while that is open it counts for nothing. Being drawn
does not depend on any answer, so leaving those out until then sways no rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from core.decision.second_read import ReadState
from core.records.case_status import REVIEW
from core.records.cases import StoredReview, review_from_row
from core.records.connection import Store, chunks, reading
from core.records.tables import CASES, READ_STATUS, REVIEWS, RowLike
from core.types import Disposition


def final_answer(first: ColumnElement[Any]) -> ColumnElement[str | None]:
    """Return what a case is by its reads, NULL while they are open.

    Args:
        first: The first answer on a case, in a query that outer-joins ``read_status``.
    """
    return case(
        (READ_STATUS.c.case_id.is_(None), first),
        else_=func.nullif(READ_STATUS.c.disposition, ""),
    )


FINAL_ANSWER = final_answer(REVIEWS.c.disposition)
"""What the case of a review is by its reads."""

FINAL_LABEL: ColumnElement[str] = case(
    (READ_STATUS.c.case_id.is_(None), REVIEWS.c.label), else_=READ_STATUS.c.label
)
"""The label that goes with ``FINAL_ANSWER``."""

FINAL = tuple(state.value for state in ReadState if state.is_final)


HAS_OPEN_READS: ColumnElement[bool] = (
    select(READ_STATUS.c.case_id)
    .where(READ_STATUS.c.case_id == REVIEWS.c.case_id, READ_STATUS.c.state.not_in(FINAL))
    .exists()
)
"""Whether the case of a review is still read by others, who are to know nothing of it."""


def final_reads(
    store: Store, pack: str, *, product: str | None = None, limit: int | None = None
) -> list[StoredReview]:
    """Return what each reviewed case is by its reads, newest first; open ones are left out.

    Each is the first review of its case, with the verdict and the label that were agreed on or
    adjudicated; DEFER where the readers found that nobody can tell.

    Args:
        store: The store.
        pack: The pack's name.
        product: Only cases of this product; None for all.
        limit: At most so many; None for all.

    Raises:
        StoreError: The database failed.
    """
    later = REVIEWS.alias()
    superseded = select(later.c.id).where(
        later.c.case_id == REVIEWS.c.case_id, later.c.revision == REVIEWS.c.revision + 1
    )
    query = (
        select(REVIEWS, CASES.c.key)
        .join(CASES, REVIEWS.c.case_id == CASES.c.id)
        .where(CASES.c.pack == pack, REVIEWS.c.kind == REVIEW)
        .where(~superseded.exists(), ~HAS_OPEN_READS)
        .order_by(REVIEWS.c.reviewed_at.desc())
        .limit(limit)
    )
    if product is not None:
        query = query.where(CASES.c.product == product)
    with reading(store) as connection:
        found = [review_from_row(row) for row in connection.execute(query).mappings()]
        outcomes = read_states(connection, [one.case_id for one in found])
    return [_final(one, outcomes.get(one.case_id)) for one in found]


def read_states(connection: Connection, case_ids: Collection[str]) -> dict[str, RowLike]:
    """Return where the reads of those cases stand that were drawn for a second one, by case."""
    found: dict[str, RowLike] = {}
    for ids in chunks(sorted(case_ids)):
        query = select(READ_STATUS).where(READ_STATUS.c.case_id.in_(ids))
        found |= {row["case_id"]: row for row in connection.execute(query).mappings()}
    return found


def count_states(store: Store, pack: str) -> dict[ReadState, int]:
    """Return how many cases drawn for a second read stand where.

    Raises:
        StoreError: The database failed.
    """
    query = select(READ_STATUS.c.state, func.count()).where(READ_STATUS.c.pack == pack)
    with reading(store) as connection:
        rows = connection.execute(query.group_by(READ_STATUS.c.state)).all()
    return Counter({ReadState(state): n for state, n in rows})


def _final(review: StoredReview, status: RowLike | None) -> StoredReview:
    if status is None:
        return review
    return replace(review, disposition=Disposition(status["disposition"]), label=status["label"])
