"""Status of a case: the worst of its images by the decisions in force, and whether it waits.

The table ``case_status`` is a cache, as is the count of its facets. Whoever adds images, decisions
or reviews refreshes the cases touched in the same transaction; `core.records.audit.verify` compares
both with the rows behind them.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from enum import IntEnum
from itertools import groupby
from typing import Any

from sqlalchemy import BindParameter, Connection, and_, bindparam, delete, insert, select

from core.decision.urgency import severity, urgency
from core.records import case_facets
from core.records.corrections import is_current
from core.records.in_force import IN_ORDER
from core.records.table_base import chunks
from core.records.tables import (
    CASE_FACETS,
    CASE_STATUS,
    CASES,
    DECISIONS,
    HEADERS,
    IMAGES,
    RESOLUTIONS,
    REVIEWS,
    RowLike,
)
from core.records.values import TILE_OF
from core.types import Disposition, Reason

REVIEW, UNDO, WITHDRAW = "review", "undo", "withdraw"


class QueueState(IntEnum):
    """Who looks at a case next."""

    WAITING = 0
    NEGATIVE = 1
    REVIEWED = 2
    WITHDRAWN = 3


_CLOSING = {REVIEW: QueueState.REVIEWED, WITHDRAW: QueueState.WITHDRAWN}


def case_status_of(
    images: Collection[RowLike], last: RowLike | None, corrected_at: str = ""
) -> dict[str, Any]:
    """Return the row of one case, without the columns of an answer where none stands.

    The verdict is the worst of the images (positive, then defer, then negative). The urgency puts
    a case with an unscored image first, then the largest positive probability. A case is reviewed
    (or withdrawn: nobody is to look at it any more) while its last review stands and covers every
    image, those that took another's place included;
    else it waits for a person unless it is negative and none of its images was drawn for the audit.
    A negative that was drawn waits at a random place: at the end of the queue, where its
    probability belongs, everybody would know it for what it is.

    Args:
        images: One mapping per image with the decision that stands; None where it has none.
        last: The case's last review row, an undo included, with the verdict and the findings of
            the decision that it was given on; None before the first.
        corrected_at: When an image of the case was last replaced by a correction; empty for never.
    """
    deciding = max(images, key=_severity)
    disposition = Disposition(deciding["disposition"] or Disposition.DEFER)
    if last and last["kind"] in _CLOSING and _covers(last, images, corrected_at):
        queue_state = _CLOSING[last["kind"]]
    elif disposition is Disposition.NEGATIVE and not any(map(_drawn, images)):
        queue_state = QueueState.NEGATIVE
    else:
        queue_state = QueueState.WAITING
    most = max(urgency(image["positive_probability"]) for image in images)
    if disposition is Disposition.NEGATIVE and queue_state is QueueState.WAITING:
        most = _unmarked_urgency(deciding["case_id"])
    row = {
        "case_id": deciding["case_id"],
        "pack": deciding["pack"],
        "product": deciding["product"],
        "queue_state": int(queue_state),
        "negated_urgency": -most,
        "opened_at": deciding["opened_at"],
        "disposition": disposition.value,
        "decision_id": deciding["decision_id"] or "",
        "images": len(images),
        "revision": last["revision"] + 1 if last else 0,
        "sites": "\n".join(sorted(set(map(_site, images)))),
        "reasons": " ".join(sorted(set().union(*map(_reasons, images)))),
        "tile_of": max(map(_tile_of, images)),
        **_answer_of(last),
    }
    return {**row, "facets_id": case_facets.facets_id(row)}


def _has_answer(row: RowLike) -> bool:
    return "answer" in row


def _answer_of(last: RowLike | None) -> dict[str, Any]:
    if last is None or last["kind"] != REVIEW:
        return {}
    return {
        "answer": last["disposition"],
        "answer_by": last["reviewer"],
        "answer_at": last["reviewed_at"],
        "answer_verdict": last["verdict"],
        "answer_is_drawn": _drawn(last),
    }


def _unmarked_urgency(case_id: str) -> float:
    """Return a number uniform on [0, 1), always the same for a case."""
    key = hashlib.sha256(b"place in the queue").digest()
    digest = hashlib.blake2b(case_id.encode(), key=key, digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


def _covers(last: RowLike, images: Collection[RowLike], corrected_at: str) -> bool:
    return bool(last["images"] >= len(images) and last["reviewed_at"] > corrected_at)


def _severity(image: RowLike) -> tuple[int, float, str]:
    disposition = Disposition(image["disposition"] or Disposition.DEFER)
    return severity(disposition, image["positive_probability"], image["decision_id"] or "")


def _drawn(image: RowLike) -> bool:
    return Reason.AUDIT in _reasons(image)


def _reasons(image: RowLike) -> set[str]:
    return {code for code, *_ in json.loads(image["findings"] or "[]")}


def _site(image: RowLike) -> str:
    """Return where an image comes from: as whoever received it was set up, its file, its product.

    Only rows count, no code of a pack: the status must come out the same on every machine.
    """
    meta: dict[str, str] = json.loads(image["meta"] or "{}")
    return meta.get("site") or meta.get("institution") or image["image_product"]


def _tile_of(image: RowLike) -> str:
    meta: dict[str, str] = json.loads(image["meta"] or "{}")
    return meta.get(TILE_OF, "")


_LATEST = (
    select(
        IMAGES.c.id.label("image_id"),
        IMAGES.c.case_id,
        CASES.c.pack,
        CASES.c.product,
        CASES.c.opened_at,
        DECISIONS.c.id.label("decision_id"),
        DECISIONS.c.disposition,
        DECISIONS.c.positive_probability,
        DECISIONS.c.findings,
        IMAGES.c.product.label("image_product"),
        HEADERS.c.meta,
    )
    .join(CASES, IMAGES.c.case_id == CASES.c.id)
    .outerjoin(HEADERS, HEADERS.c.id == IMAGES.c.id)
    .outerjoin(
        DECISIONS,
        and_(
            DECISIONS.c.content_key == IMAGES.c.content_key,
            DECISIONS.c.pack == CASES.c.pack,
            DECISIONS.c.product == IMAGES.c.product,
        ),
    )
    .where(is_current())
    .order_by(IN_ORDER)
)
_LAST = (
    select(
        REVIEWS.c.case_id,
        REVIEWS.c.revision,
        REVIEWS.c.kind,
        REVIEWS.c.disposition,
        REVIEWS.c.reviewer,
        REVIEWS.c.reviewed_at,
        REVIEWS.c.images,
        DECISIONS.c.disposition.label("verdict"),
        DECISIONS.c.findings,
    )
    .outerjoin(DECISIONS, DECISIONS.c.id == REVIEWS.c.decision_id)
    .order_by(REVIEWS.c.revision)
)
_CORRECTED = (
    select(IMAGES.c.case_id, RESOLUTIONS.c.resolved_at)
    .join(RESOLUTIONS, RESOLUTIONS.c.replaces == IMAGES.c.content_key)
    .order_by(RESOLUTIONS.c.seq)
)
_CASE_IDS: BindParameter[Any] = bindparam("case_ids", expanding=True)
_OF_CASES = (
    _LATEST.where(IMAGES.c.case_id.in_(_CASE_IDS)),
    _LAST.where(REVIEWS.c.case_id.in_(_CASE_IDS)),
    _CORRECTED.where(IMAGES.c.case_id.in_(_CASE_IDS)),
)
_BEFORE = select(*(CASE_STATUS.c[name] for name in case_facets.NAMES)).where(
    CASE_STATUS.c.case_id.in_(_CASE_IDS)
)
_FORGET = delete(CASE_STATUS).where(CASE_STATUS.c.case_id.in_(_CASE_IDS))
_CASES_AFTER = (
    select(CASES.c.id).where(CASES.c.id > bindparam("last")).order_by(CASES.c.id).limit(1000)
)


def statuses_of(connection: Connection, case_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the status of some cases from the append-only rows.

    A case whose every image was replaced, by one that belongs to another case, has none.
    """
    named = {"case_ids": case_ids}
    latest, last, corrected = (connection.execute(query, named) for query in _OF_CASES)
    # What is met last stands.
    images: dict[str, dict[str, RowLike]] = defaultdict(dict)
    for row in latest.mappings():
        images[row["case_id"]][row["image_id"]] = row
    reviews = {row["case_id"]: row for row in last.mappings()}
    corrections: dict[str, str] = {row[0]: row[1] for row in corrected}
    return [
        case_status_of(rows.values(), reviews.get(case), corrections.get(case, ""))
        for case, rows in images.items()
    ]


def refresh(connection: Connection, case_ids: Collection[str]) -> None:
    """Bring the status of the cases touched up to date, in the caller's transaction."""
    for ids in chunks(sorted(case_ids)):
        before = connection.execute(_BEFORE, {"case_ids": ids}).mappings().all()
        connection.execute(_FORGET, {"case_ids": ids})
        rows = statuses_of(connection, ids)
        # Rows of one statement have the same columns; those of new cases have no answer.
        for _, alike in groupby(sorted(rows, key=_has_answer), key=_has_answer):
            connection.execute(insert(CASE_STATUS), list(alike))
        case_facets.apply_change(connection, before, rows)


def refresh_all(connection: Connection) -> None:
    """Work out the status of every case and the counts anew, in the caller's transaction."""
    connection.execute(delete(CASE_STATUS))
    connection.execute(delete(CASE_FACETS))
    ids: list[str] = [""]
    while ids := list(connection.scalars(_CASES_AFTER, {"last": ids[-1]})):
        refresh(connection, ids)
