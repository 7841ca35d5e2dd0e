"""The tables of work: what came in, what judges it, what is to be done and what leaves."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from core.records.table_base import BY_ID, TableRow


class ReceiptRow(TableRow, table=True):
    """An object that somebody sent, by its own name; other bytes under one name are a conflict."""

    __tablename__ = "receipts"
    __table_args__ = (
        Index("ix_receipts_key", "pack", "key"),
        Index("ix_receipts_state", "pack", "state"),
        Index("ix_receipts_sha256", "sha256"),
        BY_ID,
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


class ProposalRow(TableRow, table=True):
    """A policy that somebody proposes for a product, with what they had before them.

    ``deployment`` is the one in force then, by whose policy ``before`` things are judged.
    """

    __tablename__ = "proposals"
    __table_args__ = (Index("ix_proposals_product", "pack", "product", "number"),)

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(unique=True)
    pack: str
    product: str
    bundle: str
    bundle_sha256: str
    policy_id: str
    before: str
    deployment: str
    evidence: str
    proposed_by: str
    proposed_at: str


class ProposalOutcomeRow(TableRow, table=True):
    """What became of a proposal: one row at most, by its id."""

    __tablename__ = "proposal_outcomes"
    __table_args__ = BY_ID

    id: str = Field(primary_key=True, foreign_key="proposals.id")
    outcome: str
    comment: str
    deployment: str
    decided_by: str
    decided_at: str


class SeriesRow(TableRow, table=True):
    """What a pack keeps of its own: numbered series, the last revision of a number counting."""

    __tablename__ = "pack_rows"
    __table_args__ = (
        UniqueConstraint("pack", "kind", "series", "number", "revision"),
        Index("ix_pack_rows_at", "pack", "kind", "series", "at"),
        Index("ix_pack_rows_subject", "pack", "kind", "subject"),
        BY_ID,
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
        BY_ID,
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
    __table_args__ = (Index("ix_outbox_subject", "pack", "output", "subject"), BY_ID)

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
    __table_args__ = BY_ID

    message: str = Field(primary_key=True, foreign_key="outbox.id")
    sha256: str = Field(primary_key=True)
    taken_at: str
