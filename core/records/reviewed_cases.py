"""Cases that came to a person, as recertification and training take them: one value a case.

A case is positive if any of its images shows something, and escapes if all of them pass: so its
largest probability counts, and it reaches the limits if every image does.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select

from core.records.case_status import REVIEW, QueueState
from core.records.connection import Store, reading
from core.records.corrections import is_current
from core.records.final_reads import FINAL_ANSWER, FINAL_LABEL
from core.records.tables import (
    CASE_STATUS,
    CASES,
    DECISIONS,
    HEADERS,
    IMAGES,
    READ_STATUS,
    REVIEWS,
    RowLike,
)
from core.records.values import TILE_OF, stamp
from core.types import Disposition, Reason


@dataclass(frozen=True, slots=True)
class ReviewedCase:
    """A case that waits for a person or was judged by one.

    Attributes:
        case_id: The case.
        key: Its group, or the content of its only file.
        product: Which of the pack's products it is of.
        opened_at: When its first image came, as text that sorts.
        pictures: Content of its images.
        patients: Whose it is, as its files say.
        policy_id: The policy by which its first verdict was made.
        audit_probability: With which probability it was drawn for the audit then; None where no
            deployment judged it.
        positive_probability: The largest of its images; None where one has none.
        ood_p: The smallest of its images; None where one has none.
        gates_passed: Whether no image was stopped by the pack's checks.
        answer: What the case is by its reads; None while it waits, also for a second read.
        label: The class that they named, or empty.
        reviewer: Who; empty while it waits.
        reviewed_at: When, as text that sorts; empty while it waits.
        tile_of: Digest of the larger picture that its images are tiles of; empty where they are
            whole.
    """

    case_id: str
    key: str
    product: str
    opened_at: str
    pictures: tuple[str, ...]
    patients: tuple[str, ...]
    policy_id: str
    audit_probability: float | None
    positive_probability: float | None
    ood_p: float | None
    gates_passed: bool
    answer: Disposition | None
    label: str
    reviewer: str
    reviewed_at: str
    tile_of: str = ""

    @property
    def group(self) -> str:
        """What it is counted with: all tiles of one larger picture, else its key."""
        return self.tile_of or self.key

    @property
    def is_scored(self) -> bool:
        """Whether every image has its scores."""
        return self.positive_probability is not None and self.ood_p is not None


@dataclass(frozen=True, slots=True)
class JudgedProduct:
    """Which cases of a pack a deployment judges.

    Attributes:
        name: The product; empty for all without a deployment of their own.
        deployed: Products with a deployment of their own.
    """

    name: str = ""
    deployed: Collection[str] = ()

    def has(self, product: str) -> bool:
        """Return whether it judges a case of this product."""
        return (product if product in self.deployed else "") == self.name

    def may_have(self) -> ColumnElement[bool]:
        """Return the condition that the case may be of it; one that spans products may be."""
        if self.name:
            return CASE_STATUS.c.product.in_([self.name, ""])
        return CASE_STATUS.c.product.not_in([name for name in self.deployed if name])


def reviewed_cases(
    store: Store,
    pack: str,
    bundle_sha256: str,
    since: datetime | None = None,
    judged: JudgedProduct = JudgedProduct(),
) -> list[ReviewedCase]:
    """Return the cases judged by a bundle that came to a person, in the order of their arrival.

    A case of which an image has no verdict of this bundle is left out: its scores cannot be
    compared. A negative case that nobody drew is no case that came to a person.

    Args:
        store: The store.
        pack: The pack's name.
        bundle_sha256: The bundle.
        since: Only those that came then or later.
        judged: Only those of this product.

    Raises:
        StoreError: The database failed.
    """
    query = _query(pack, bundle_sha256).where(judged.may_have())
    if since is not None:
        query = query.where(CASES.c.opened_at >= stamp(since))
    with reading(store) as connection:
        rows = connection.execute(query).mappings().all()
    cases = (_case([*rows_]) for _, rows_ in groupby(rows, itemgetter("case_id")))
    return [case for case in cases if case is not None and judged.has(case.product)]


_ASKED = (int(QueueState.WAITING), int(QueueState.REVIEWED))


def _query(pack: str, bundle_sha256: str) -> Select[Any]:
    is_reviewed = CASE_STATUS.c.queue_state == int(QueueState.REVIEWED)
    standing = and_(
        REVIEWS.c.case_id == CASE_STATUS.c.case_id,
        REVIEWS.c.revision == CASE_STATUS.c.revision - 1,
        REVIEWS.c.kind == REVIEW,
        is_reviewed,
    )
    judged = and_(
        DECISIONS.c.content_key == IMAGES.c.content_key,
        DECISIONS.c.pack == CASE_STATUS.c.pack,
        DECISIONS.c.product == IMAGES.c.product,
        DECISIONS.c.bundle_sha256 == bundle_sha256,
        ~DECISIONS.c.is_provisional,
    )
    return (
        select(
            CASE_STATUS.c.case_id,
            CASES.c.opened_at,
            CASES.c.key,
            IMAGES.c.product,
            IMAGES.c.content_key,
            HEADERS.c.meta,
            DECISIONS.c.id.label("decision_id"),
            DECISIONS.c.positive_probability,
            DECISIONS.c.ood_p,
            DECISIONS.c.findings,
            DECISIONS.c.policy_id,
            DECISIONS.c.audit_probability,
            FINAL_ANSWER.label("answer"),
            FINAL_LABEL.label("label"),
            REVIEWS.c.reviewer,
            REVIEWS.c.reviewed_at,
        )
        .join(CASES, CASES.c.id == CASE_STATUS.c.case_id)
        .join(IMAGES, IMAGES.c.case_id == CASE_STATUS.c.case_id)
        .outerjoin(HEADERS, HEADERS.c.id == IMAGES.c.id)
        .outerjoin(DECISIONS, judged)
        .outerjoin(REVIEWS, standing)
        .outerjoin(READ_STATUS, READ_STATUS.c.case_id == REVIEWS.c.case_id)
        .where(
            CASE_STATUS.c.pack == pack,
            CASE_STATUS.c.queue_state.in_(_ASKED),
            is_current(),
        )
        .order_by(CASES.c.opened_at, CASE_STATUS.c.case_id, DECISIONS.c.seq)
    )


def _case(rows: list[RowLike]) -> ReviewedCase | None:
    if any(row["decision_id"] is None for row in rows):
        return None
    newest = {row["content_key"]: row for row in rows}
    drawn = next((row for row in rows if row["audit_probability"] is not None), rows[0])
    first, scored = rows[0], list(newest.values())
    headers = [json.loads(row["meta"]) for row in rows if row["meta"]]
    patients = {header.get("patient_id", "").strip() for header in headers}
    return ReviewedCase(
        case_id=first["case_id"],
        key=first["key"],
        product=first["product"],
        opened_at=first["opened_at"],
        pictures=tuple(sorted(newest)),
        patients=tuple(sorted(patients - {""})),
        policy_id=drawn["policy_id"],
        audit_probability=drawn["audit_probability"],
        positive_probability=_extreme(max, [row["positive_probability"] for row in scored]),
        ood_p=_extreme(min, [row["ood_p"] for row in scored]),
        gates_passed=all(_passed_gates(row["findings"]) for row in scored),
        answer=Disposition(first["answer"]) if first["answer"] else None,
        label=first["label"] or "",
        reviewer=first["reviewer"] or "",
        reviewed_at=first["reviewed_at"] or "",
        tile_of=max((header.get(TILE_OF, "") for header in headers), default=""),
    )


def _extreme(choose: Any, values: list[float | None]) -> float | None:  # noqa: ANN401
    known = [one for one in values if one is not None]
    return float(choose(known)) if len(known) == len(values) else None


def _passed_gates(findings: str) -> bool:
    return findings == "[]" or all(Reason(code).follows_scores for code, *_ in json.loads(findings))
