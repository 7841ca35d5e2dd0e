"""What people answered on pictures, looked up by the picture."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, select

from core.records.case_status import REVIEW, UNDO, QueueState
from core.records.connection import Store, reading
from core.records.tables import AUDIT_EVENTS, CASE_STATUS, DECISIONS, IMAGES, REVIEWS, RowLike
from core.types import Disposition

_SAYS = (Disposition.POSITIVE.value, Disposition.NEGATIVE.value)


@dataclass(frozen=True, slots=True)
class PictureAnswer:
    """What a person answered on a case that holds a picture, as it stands.

    Attributes:
        content_key: The picture's content.
        case_id: The case.
        disposition: Positive or negative.
        label: The class that they named, or empty.
        reviewer: Id of the person.
        reviewed_at: When, in UTC.
        verdict: What had been decided on the picture when they were asked; None where nothing had.
    """

    content_key: str
    case_id: str
    disposition: Disposition
    label: str
    reviewer: str
    reviewed_at: datetime
    verdict: Disposition | None

    @property
    def is_correction(self) -> bool:
        """Whether it contradicts a verdict, or decides what no verdict had."""
        return self.verdict is not self.disposition


def answers_on(
    store: Store, pack: str, product: str, content_keys: Collection[str]
) -> dict[str, PictureAnswer]:
    """Return by content the newest answer that stands on each picture that has one.

    Raises:
        StoreError: The database failed.
    """
    if not content_keys:
        return {}
    asked = {"pack": pack, "product": product, "content_keys": list(content_keys)}
    with reading(store) as connection:
        rows = connection.execute(_ON_PICTURES, asked).mappings().all()
    return {row["content_key"]: _from_row(row) for row in rows}


def corrections(store: Store, pack: str, most: int) -> list[PictureAnswer]:
    """Return the newest answers of a pack that contradict a verdict, newest first.

    Raises:
        StoreError: The database failed.
    """
    differs = func.coalesce(DECISIONS.c.disposition, "") != REVIEWS.c.disposition
    query = _STANDING.where(differs).order_by(REVIEWS.c.reviewed_at.desc()).limit(most)
    with reading(store) as connection:
        rows = connection.execute(query, {"pack": pack}).mappings()
        return [_from_row(row) for row in rows]


def reviewed_until(store: Store) -> tuple[str, ...]:
    """Return when people last reviewed and took back, by which news is noticed; texts that sort.

    Raises:
        StoreError: The database failed.
    """
    events = AUDIT_EVENTS.c
    with reading(store) as connection:
        return tuple(
            connection.scalar(select(func.max(events.at)).where(events.action == action)) or ""
            for action in (REVIEW, UNDO)
        )


def _standing_answers() -> Select[Any]:
    """Return the query for the answers that stand in the pack ``:pack``."""
    standing = and_(
        REVIEWS.c.case_id == CASE_STATUS.c.case_id,
        REVIEWS.c.revision == CASE_STATUS.c.revision - 1,
        REVIEWS.c.kind == REVIEW,
        REVIEWS.c.disposition.in_(_SAYS),
    )
    return (
        select(
            IMAGES.c.content_key,
            REVIEWS.c.case_id,
            REVIEWS.c.disposition,
            REVIEWS.c.label,
            REVIEWS.c.reviewer,
            REVIEWS.c.reviewed_at,
            DECISIONS.c.disposition.label("verdict"),
        )
        .join(CASE_STATUS, CASE_STATUS.c.case_id == IMAGES.c.case_id)
        .join(REVIEWS, standing)
        .outerjoin(DECISIONS, DECISIONS.c.id == REVIEWS.c.decision_id)
        .where(
            CASE_STATUS.c.pack == bindparam("pack"),
            CASE_STATUS.c.queue_state == int(QueueState.REVIEWED),
        )
    )


_STANDING = _standing_answers()
_ON_PICTURES = (
    _STANDING.where(IMAGES.c.content_key.in_(bindparam("content_keys", expanding=True)))
    .where(IMAGES.c.product == bindparam("product"))
    .order_by(REVIEWS.c.reviewed_at)
)
"""Built once, for building takes longer than running. Of equal contents the newest comes last."""


def _from_row(row: RowLike) -> PictureAnswer:
    return PictureAnswer(
        content_key=row["content_key"],
        case_id=row["case_id"],
        disposition=Disposition(row["disposition"]),
        label=row["label"],
        reviewer=row["reviewer"],
        reviewed_at=datetime.fromisoformat(row["reviewed_at"]),
        verdict=Disposition(row["verdict"]) if row["verdict"] else None,
    )
