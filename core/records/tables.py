"""The tables at rest: append-only, but for jobs and for the case status, which is worked out.

They keep their own registry and metadata: Streamlit's reload would otherwise raise "Table already
defined". Ids of cases and images hash what makes them one (pack and key; case, content and name):
a unique index of their own would add nothing, and PostgreSQL refuses one over very long names.
Times are UTC ISO text with microseconds, so that both engines sort and return the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Index, MetaData, Table, UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

SCHEMA = "r0002"

RowLike = Mapping[Any, Any]
"""A row by column name, before or after the database; SQLAlchemy also takes columns as keys."""

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite then keeps the rows in the primary key's tree: one tree less to write to for each row.
_BY_ID = {"sqlite_with_rowid": False}


class TableRow(SQLModel, registry=registry()):
    """Base of the tables; holds the metadata they share with nobody."""

    metadata = MetaData(naming_convention=_NAMES)


class CaseRow(TableRow, table=True):
    """The images of one part, study or plot; ``key`` is the group, or the file's content.

    ``product`` says which of a pack's products was judged; empty for the only one of a pack, and
    where a group's name is unlike any other of the pack, so that its case spans products.
    """

    __tablename__ = "cases"
    __table_args__ = _BY_ID

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
    __table_args__ = _BY_ID

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
    __table_args__ = _BY_ID

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
    __table_args__ = (UniqueConstraint("case_id", "revision"), _BY_ID)

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


class AuditEventRow(TableRow, table=True):
    """One link of the hash chain; ``detail`` is canonical JSON."""

    __tablename__ = "audit_events"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: str
    actor: str
    action: str
    subject: str
    detail: str
    previous: str
    hash: str


class CaseStatusRow(TableRow, table=True):
    """The verdict of a case and where it waits: a cache over the append-only rows.

    ``queue_state`` and ``negated_urgency`` sort the queue, smallest first, so that the next case is
    one look-up; `core.records.case_status` works them out.
    """

    __tablename__ = "case_status"
    __table_args__ = (
        Index(
            "ix_case_status_queue", "pack", "queue_state", "negated_urgency", "opened_at", "case_id"
        ),
        Index("ix_case_status_counts", "pack", "queue_state", "disposition"),
        _BY_ID,
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


class ReceiptRow(TableRow, table=True):
    """An object that somebody sent, by its own name; other bytes under one name are a conflict."""

    __tablename__ = "receipts"
    __table_args__ = (
        Index("ix_receipts_key", "pack", "key"),
        Index("ix_receipts_state", "pack", "state"),
        Index("ix_receipts_sha256", "sha256"),
        _BY_ID,
    )

    id: str = Field(primary_key=True)
    pack: str
    product: str
    key: str
    sha256: str
    state: str
    source: str
    meta: str
    received_at: str


class ResolutionRow(TableRow, table=True):
    """What a person decided about objects that share a name and differ in content.

    ``stands`` is the sha256 of the content that counts from then on, ``replaces`` that of the other
    one. ``seq`` is the order of the decisions: of two about one content the later holds.
    """

    __tablename__ = "resolutions"
    __table_args__ = (
        Index("ix_resolutions_replaces", "replaces"),
        Index("ix_resolutions_stands", "stands"),
        Index("ix_resolutions_key", "pack", "key"),
    )

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(unique=True)
    receipt_id: str = Field(foreign_key="receipts.id")
    pack: str
    key: str
    stands: str
    replaces: str
    resolved_by: str
    resolved_at: str


class DeploymentRow(TableRow, table=True):
    """Which bundle and policy judge a product from then on, how far by themselves, by whose word.

    ``number`` counts the deployments of the whole store: of one product the highest is in force.
    """

    __tablename__ = "deployments"
    __table_args__ = (Index("ix_deployments_product", "pack", "product", "number"),)

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(unique=True)
    pack: str
    product: str
    bundle: str
    bundle_sha256: str
    policy_id: str
    stage: str
    audit_share: float
    deployed_by: str
    second_person: str
    evidence: str
    supersedes: str
    deployed_at: str


class SeriesRow(TableRow, table=True):
    """What a pack keeps of its own: numbered series, the last revision of a number counting."""

    __tablename__ = "pack_rows"
    __table_args__ = (
        UniqueConstraint("pack", "kind", "series", "number", "revision"),
        Index("ix_pack_rows_at", "pack", "kind", "series", "at"),
        Index("ix_pack_rows_subject", "pack", "kind", "subject"),
        _BY_ID,
    )

    id: str = Field(primary_key=True)
    pack: str
    kind: str
    series: str
    number: int
    revision: int
    at: str
    subject: str
    outcome: str
    figure: float | None
    body: str


class JobRow(TableRow, table=True):
    """Work that waits, is under way or is done; the one table whose rows change in place."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_next", "state", "kind", "priority", "not_before", "added_at"),
        _BY_ID,
    )

    id: str = Field(primary_key=True)
    kind: str
    key: str
    pack: str
    product: str
    payload: str
    priority: int
    state: str
    tries: int
    not_before: str
    leased_until: str
    worker: str
    problem: str
    added_at: str
    finished_at: str
    progress: str
    result: str
    heartbeat_at: str
    cancel_requested_at: str


class OutboxRow(TableRow, table=True):
    """A message that is to leave; its id is the same however often it is sent."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_subject", "pack", "output", "subject"), _BY_ID)

    id: str = Field(primary_key=True)
    pack: str
    output: str
    receiver: str
    subject: str
    body: str
    parts: str
    added_at: str


class TakenPartRow(TableRow, table=True):
    """A part of a message that its receiver has: it is not sent again."""

    __tablename__ = "taken_parts"
    __table_args__ = _BY_ID

    message: str = Field(primary_key=True, foreign_key="outbox.id")
    sha256: str = Field(primary_key=True)
    taken_at: str


def _table(name: str) -> Table:
    return TableRow.metadata.tables[name]


CASES = _table("cases")
IMAGES = _table("images")
DECISIONS = _table("decisions")
REINSTATEMENTS = _table("reinstatements")
REVIEWS = _table("reviews")
AUDIT_EVENTS = _table("audit_events")
CASE_STATUS = _table("case_status")
HEADERS = _table("headers")
RECEIPTS = _table("receipts")
RESOLUTIONS = _table("resolutions")
DEPLOYMENTS = _table("deployments")
PACK_ROWS = _table("pack_rows")
JOBS = _table("jobs")
OUTBOX = _table("outbox")
TAKEN_PARTS = _table("taken_parts")
