"""Where the reads of a drawn case stand, from the append-only rows, in the caller's transaction.

The table ``read_status`` is a cache. Whoever writes a review or another read refreshes the case;
`core.records.audit.verify` compares it with the rows behind it. A second read counts while it is of
as many images as the first and by somebody else; an adjudication while the two reads that it
decided between still are those that stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from core.decision.second_read import ReadAnswer, draw_number, outcome_of, state_of
from core.records.case_status import REVIEW
from core.records.read_plans import plan_in_force
from core.records.tables import CASE_READS, CASES, READ_DRAWS, READ_STATUS, REVIEWS, RowLike
from core.types import Disposition


class ReadKind(StrEnum):
    """What a person is shown a case for, when it is not the first read."""

    SECOND = "second"
    ADJUDICATION = "adjudication"
    GOLD = "gold"


RETRACTED = "retracted"
"""Kind of the row by which a reader takes a read back."""


def draw_review(connection: Connection, review: RowLike, status: RowLike) -> list[dict[str, Any]]:
    """Return the row by which a review that was just written is read by a second person too.

    Drawn by a keyed hash of the case id, so that no answer sways the draw. The row is written here
    and covered by the event of the review.

    Args:
        connection: The caller's write transaction.
        review: The row of the review.
        status: The case as it stood before it.

    Returns:
        One row, or none where the case was not drawn.
    """
    if review["kind"] != REVIEW:
        return []
    plan = plan_in_force(connection, status["pack"], status["product"])
    probability = plan.share_of(Disposition(status["disposition"]))
    if not plan.seed or draw_number(plan.seed, review["case_id"]) >= probability:
        return []
    row = {
        "id": review["id"],
        "case_id": review["case_id"],
        "probability": probability,
        "plan_id": plan.id,
        "drawn_at": review["reviewed_at"],
    }
    connection.execute(insert(READ_DRAWS), row)
    return [row]


def refresh_reads(connection: Connection, case_id: str) -> dict[str, Any] | None:
    """Return where the reads of a case stand, brought up to date; None where it is not drawn."""
    row = read_status_of(connection, case_id)
    connection.execute(delete(READ_STATUS).where(READ_STATUS.c.case_id == case_id))
    if row is not None:
        connection.execute(insert(READ_STATUS), row)
    return row


def read_status_of(connection: Connection, case_id: str) -> dict[str, Any] | None:
    """Return where the reads of a case stand, from the rows; None where it is not drawn."""
    query = select(REVIEWS).where(REVIEWS.c.case_id == case_id)
    first = connection.execute(query.order_by(REVIEWS.c.revision.desc())).mappings().first()
    if first is None or first["kind"] != REVIEW:
        return None
    draw = select(READ_DRAWS.c.drawn_at).where(READ_DRAWS.c.id == first["id"])
    since = connection.scalar(draw)
    if since is None:
        return None
    own = connection.execute(select(CASES).where(CASES.c.id == case_id)).mappings().one()
    second, adjudication = standing_reads(connection, first)
    answers = [answer_of(first, "reviewer"), *([answer_of(second)] if second else [])]
    third = answer_of(adjudication) if adjudication else None
    outcome = outcome_of(answers, third)
    return {
        "case_id": case_id,
        "pack": own["pack"],
        "product": own["product"],
        "state": state_of(answers, third).value,
        "since": since,
        "first_reader": first["reviewer"],
        "second_reader": second["reader"] if second else "",
        "disposition": outcome.disposition.value if outcome else "",
        "label": outcome.label if outcome else "",
    }


def standing_reads(connection: Connection, first: RowLike) -> tuple[RowLike | None, RowLike | None]:
    """Return the second read and the adjudication that stand beside a first read.

    Args:
        connection: The caller's transaction.
        first: The row of the review that stands.
    """
    rows = reads_of(connection, first["case_id"])
    second = next(
        (
            row
            for row in reversed(rows)
            if row["kind"] == ReadKind.SECOND
            and row["images"] == first["images"]
            and not is_same_reader(row["reader"], first["reviewer"])
        ),
        None,
    )
    if second is None:
        return None, None
    decided = refers_to(first["id"], second["id"])
    adjudications = (row for row in reversed(rows) if row["kind"] == ReadKind.ADJUDICATION)
    return second, next((row for row in adjudications if row["refers"] == decided), None)


def reads_of(connection: Connection, case_id: str) -> Sequence[RowLike]:
    """Return the reads of a case that were not taken back, the first review aside, oldest first."""
    query = select(CASE_READS).where(CASE_READS.c.case_id == case_id)
    ordered = query.order_by(CASE_READS.c.read_at, CASE_READS.c.id)
    rows = connection.execute(ordered).mappings().all()
    taken = {row["refers"] for row in rows if row["kind"] == RETRACTED}
    return [row for row in rows if row["kind"] != RETRACTED and row["id"] not in taken]


def refers_to(first_id: str, second_id: str) -> str:
    """Return what an adjudication refers to: the two reads that it decides between."""
    return f"{first_id} {second_id}"


def is_same_reader(one: str, other: str) -> bool:
    """Return whether two ids are one person's: a name in single-user mode is typed by hand."""
    return one.strip().casefold() == other.strip().casefold()


def answer_of(row: RowLike, reader: str = "reader") -> ReadAnswer:
    """Return the answer of a row.

    Args:
        row: Of ``case_reads``, or of ``reviews``.
        reader: Name of its column that says who.
    """
    return ReadAnswer(row[reader], Disposition(row["disposition"]), row["label"])
