"""Reviews of cases: append-only, each written once, of what was really shown.

A review names the case's revision, the decision and the number of images that were on the page. It
is written only while all three still hold, so that a double press writes one row and nobody judges
an image they have not seen. A later image makes the case wait again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from core.records import hash_chain
from core.records.case_status import REVIEW, UNDO, refresh
from core.records.cases import WorkItem
from core.records.connection import Store, writing
from core.records.read_status import draw_review, refresh_reads
from core.records.tables import CASE_STATUS, READ_DRAWS, REVIEWS
from core.records.values import now, plain, stamp
from core.types import Disposition


def review(
    store: Store,
    item: WorkItem,
    disposition: Disposition,
    *,
    reviewer: str,
    label: str = "",
    comment: str = "",
    at: datetime | None = None,
) -> bool:
    """Return whether this call wrote a review; not if the case moved on since it was shown.

    A case that was reviewed before gets a further row that supersedes the last one.

    Args:
        store: The store.
        item: The case as it was shown.
        disposition: The person's judgement.
        reviewer: Who.
        label: The class the person named, or empty.
        comment: Free text.
        at: When; now, unless given.

    Returns:
        Whether this call wrote the review; False for a second press and for a stale page.

    Raises:
        StoreError: The database failed.
    """
    judgement = {
        "disposition": disposition.value,
        "label": plain(label),
        "comment": plain(comment),
        "reviewer": plain(reviewer),
    }
    with writing(store) as connection:
        status = standing_status(connection, item.case_id)
        shown = {
            "revision": item.revision,
            "decision_id": item.decision_id,
            "images": item.images,
        }
        if status is None or any(status[name] != value for name, value in shown.items()):
            return False
        write_row(connection, status, REVIEW, judgement, at or now())
    return True


def undo(
    store: Store, case_id: str, revision: int, *, reviewer: str, at: datetime | None = None
) -> bool:
    """Return whether this call took the last review of a case back; the case waits again.

    Args:
        store: The store.
        case_id: The case.
        revision: How many review rows the case had when the button was shown.
        reviewer: Who takes it back.
        at: When; now, unless given.

    Returns:
        Whether this call took it back; False for a second press, a stale page, or no review.

    Raises:
        StoreError: The database failed.
    """
    judgement = {"disposition": "", "label": "", "comment": "", "reviewer": plain(reviewer)}
    with writing(store) as connection:
        status = standing_status(connection, case_id)
        if status is None or status["revision"] != revision:
            return False
        query = select(REVIEWS.c.kind).where(REVIEWS.c.id == _id(case_id, revision - 1))
        if connection.execute(query).scalar() != REVIEW:
            return False
        write_row(connection, status, UNDO, judgement, at or now())
    return True


def standing_status(connection: Connection, case_id: str) -> dict[str, Any] | None:
    """Return the row of a case's status; None where it has none."""
    query = select(CASE_STATUS).where(CASE_STATUS.c.case_id == case_id)
    row = connection.execute(query).mappings().first()
    return dict(row) if row else None


def write_row(
    connection: Connection,
    status: dict[str, Any],
    kind: str,
    judgement: dict[str, str],
    at: datetime,
) -> None:
    """Write a row of ``reviews``, its audit event and what follows from it.

    Args:
        connection: From `core.records.connection.writing`.
        status: The case's status before it.
        kind: What kind of row.
        judgement: Its disposition, label, comment and reviewer.
        at: When.
    """
    case_id, revision = status["case_id"], status["revision"]
    row = {
        "id": _id(case_id, revision),
        "case_id": case_id,
        "revision": revision,
        "kind": kind,
        **judgement,
        "reviewed_at": stamp(at),
        "supersedes": _id(case_id, revision - 1) if revision else "",
        "decision_id": status["decision_id"],
        "images": status["images"],
    }
    connection.execute(insert(REVIEWS), row)
    drawn = draw_review(connection, row, status)
    hash_chain.append(
        connection,
        actor=judgement["reviewer"],
        action=kind,
        subject=case_id,
        rows={REVIEWS.name: [row], READ_DRAWS.name: drawn},
        at=at,
    )
    refresh(connection, [case_id])
    refresh_reads(connection, case_id)


def _id(case_id: str, revision: int) -> str:
    return f"{case_id}-{revision}"
