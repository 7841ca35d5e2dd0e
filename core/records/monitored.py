"""What the monitor reads of the rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, select

from core.records.case_status import REVIEW
from core.records.final_reads import FINAL_LABEL
from core.records.picture_origins import IN_BUNDLE
from core.records.tables import (
    AUDIT_EVENTS,
    CASE_STATUS,
    COMPARED_PICTURES,
    DECISIONS,
    IMAGES,
    OBSERVATIONS,
    PICTURE_ORIGINS,
    READ_STATUS,
    REVIEWS,
)
from core.records.tiles import DECIDES_ON_TILE
from core.records.values import stamp


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


def head(connection: Connection) -> tuple[int, int]:
    """Return what changes with whatever the monitor reads.

    The number of the newest event, and how many times pictures were compared with each other, which
    is no event.
    """
    events = connection.scalar(select(func.max(AUDIT_EVENTS.c.seq)))
    compared = connection.scalar(select(func.count(COMPARED_PICTURES.c.number)))
    return events or 0, compared or 0


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
            reasons=reasons_in(row["findings"]),
            source=row["source"] or "",
            measures=json.loads(row["measures"] or "{}"),
            decided_at=row["decided_at"],
        )
        for row in connection.execute(query).mappings()
    ]


def reasons_in(findings: str) -> frozenset[str]:
    """Return the reasons that the findings of a decision name."""
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

    Of pictures of one origin the first counts, and copies of the bundle's own do not.

    Args:
        connection: An open one.
        rows: Which.
        most: At most so many, the newest.
    """
    d, r, s = DECISIONS.c, REVIEWS.c, CASE_STATUS.c
    compared = and_(
        PICTURE_ORIGINS.c.bundle_sha256 == d.bundle_sha256,
        PICTURE_ORIGINS.c.content_key == d.content_key,
    )
    origin = func.coalesce(PICTURE_ORIGINS.c.origin, d.content_key)
    query = (
        select(r.reviewed_at, FINAL_LABEL, OBSERVATIONS.c.label_set, origin)
        .join(DECISIONS, r.decision_id == d.id)
        .join(OBSERVATIONS, OBSERVATIONS.c.id == d.id)
        .join(CASE_STATUS, and_(s.case_id == r.case_id, s.revision == r.revision + 1))
        .outerjoin(PICTURE_ORIGINS, compared)
        .outerjoin(READ_STATUS, READ_STATUS.c.case_id == r.case_id)
        .where(rows.condition(), r.kind == REVIEW, FINAL_LABEL != "", s.images == 1)
        .order_by(r.reviewed_at.desc())
        .limit(most)
    )
    first: dict[str, tuple[str, str, tuple[str, ...]]] = {}
    for at, label, found, of in reversed(connection.execute(query).all()):
        if of != IN_BUNDLE:
            first.setdefault(of, (at, label, tuple(json.loads(found))))
    return [one for one in first.values() if one[2]]
