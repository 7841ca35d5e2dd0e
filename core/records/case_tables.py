"""The tables of cases: images, what was decided on them and by whom, and the audit log.

Ids of cases and images hash what makes them one (pack and key; case, content and name): a unique
index of their own would add nothing, and PostgreSQL refuses one over very long names.
"""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from core.records.table_base import BY_ID, TableRow


class CaseRow(TableRow, table=True):
    """The images of one part, study or plot; ``key`` is the group, or the file's content.

    ``product`` says which of a pack's products was judged; empty for the only one of a pack, and
    where a group's name is unlike any other of the pack, so that its case spans products.
    """

    __tablename__ = "cases"
    __table_args__ = BY_ID

    id: str = Field(primary_key=True)
    pack: str
    product: str
    key: str
    opened_at: str


class ImageRow(TableRow, table=True):
    """One file received for a case; ``name`` and ``source`` are text, never paths to open.

    ``product`` says under which of a pack's products it was judged.
    """

    __tablename__ = "images"
    __table_args__ = BY_ID

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="cases.id", index=True)
    content_key: str = Field(index=True)
    product: str
    name: str
    source: str
    received_at: str


class HeaderRow(TableRow, table=True):
    """The metadata of an image's file, as JSON of texts; no row where it has none."""

    __tablename__ = "headers"
    __table_args__ = BY_ID

    id: str = Field(primary_key=True, foreign_key="images.id")
    meta: str


class DecisionRow(TableRow, table=True):
    """One verdict with its evidence; ``seq`` is the order in which they were recorded.

    A provisional one (a stalled call, a lost decoder) is superseded by the next that is not, and a
    negative without an audit draw by one with a draw.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("content_key", "bundle_sha256", "policy_id", "product", "supersedes"),
        Index("ix_decisions_product", "pack", "product", "seq"),
        Index("ix_decisions_time", "pack", "product", "decided_at"),
    )

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(unique=True)
    content_key: str
    bundle: str
    bundle_sha256: str
    policy_id: str
    pack: str
    product: str
    disposition: str
    wording: str
    label: str
    classes: str
    probabilities: str
    positive_probability: float | None
    ood_p: float | None
    findings: str
    features: bytes
    logits: bytes
    ood_score: float | None
    good_p: float | None
    code_version: str
    device: str
    message: str
    decode_ms: float
    infer_ms: float
    total_ms: float
    decided_at: str
    is_provisional: bool
    supersedes: str
    audit_probability: float | None


class ReinstatementRow(TableRow, table=True):
    """An older decision that stands again for its content, since a picture was judged so again.

    ``seq`` counts on with that of the decisions: for each content the highest of both stands.
    """

    __tablename__ = "reinstatements"
    __table_args__ = (Index("ix_reinstatements_decision_id_seq", "decision_id", "seq"),)

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(unique=True)
    decision_id: str = Field(foreign_key="decisions.id")
    supersedes: str
    reinstated_at: str


class ReviewRow(TableRow, table=True):
    """A person's judgement of a case; an undo is a row of its own.

    ``images`` is how many images of the case the person had before them: a case whose images have
    grown since is unreviewed again.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("case_id", "revision"),
        BY_ID,
    )

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="cases.id")
    revision: int
    kind: str
    disposition: str
    label: str
    comment: str
    reviewer: str
    reviewed_at: str = Field(index=True)
    supersedes: str
    decision_id: str
    images: int


class CaseStatusRow(TableRow, table=True):
    """The verdict of a case and where it waits: a cache over the append-only rows.

    ``queue_state`` and ``negated_urgency`` sort the queue, smallest first, so that the next case is
    one look-up; `core.records.case_status` works them out. ``facets_id`` names the values that
    cases are filtered by, so that a filtered list is one look-up for each of those that match.
    The columns named ``answer`` hold a person's answer that stands, and NULL where none does: an
    index over those that have one, in the order of time, holds all that figures over time need.
    ``tile_of`` is the digest of the larger picture that its images are tiles of; empty for none.
    """

    __tablename__ = "case_status"
    __table_args__ = (
        Index(
            "ix_case_status_queue", "pack", "queue_state", "negated_urgency", "opened_at", "case_id"
        ),
        Index("ix_case_status_time", "pack", "opened_at", "product", "disposition", "tile_of"),
        Index(
            "ix_case_status_facets_urgency",
            "facets_id",
            "negated_urgency",
            "opened_at",
            "case_id",
        ),
        Index("ix_case_status_facets_time", "facets_id", "opened_at", "case_id"),
        Index(
            "ix_case_status_answers",
            "pack",
            "answer_at",
            "case_id",
            "facets_id",
            "answer",
            "answer_by",
            "answer_verdict",
            "answer_is_drawn",
            "tile_of",
            sqlite_where=text("answer_at IS NOT NULL"),
            postgresql_where=text("answer_at IS NOT NULL"),
        ),
        BY_ID,
    )

    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    pack: str
    product: str
    queue_state: int
    negated_urgency: float
    opened_at: str
    disposition: str
    decision_id: str
    images: int
    revision: int
    sites: str
    reasons: str
    facets_id: str
    answer: str | None
    answer_by: str | None
    answer_at: str | None
    answer_verdict: str | None
    answer_is_drawn: bool | None
    tile_of: str


class CaseFacetsRow(TableRow, table=True):
    """How many cases have the same facets: a cache over the case status.

    ``sites`` are lines, ``reasons`` words, both sorted.
    """

    __tablename__ = "case_facets"
    __table_args__ = BY_ID

    id: str = Field(primary_key=True)
    pack: str
    product: str
    sites: str
    reasons: str
    disposition: str
    queue_state: int
    cases: int


class AuditEventRow(TableRow, table=True):
    """One link of the hash chain; ``detail`` is canonical JSON."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_at", "at", "seq"),
        Index("ix_audit_events_actor", "actor", "at", "seq"),
        Index("ix_audit_events_action", "action", "at", "seq"),
        Index("ix_audit_events_actor_action", "actor", "action", "at", "seq"),
        Index("ix_audit_events_actor_order", "actor", "action", "seq"),
    )

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: str
    actor: str
    action: str
    subject: str
    detail: str
    previous: str
    hash: str


class AuditCaseRow(TableRow, table=True):
    """Which events are about a case: a look-up over what the events' details name."""

    __tablename__ = "audit_cases"
    __table_args__ = BY_ID

    case_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
