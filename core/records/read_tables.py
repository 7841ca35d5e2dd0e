"""The tables of second reads, of known answers and of who has which case before them."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field

from core.records.table_base import BY_ID, TableRow


class ReadPlanRow(TableRow, table=True):
    """Which share of the reviewed cases is read twice, and how many known answers are mixed in.

    The newest of a product holds, else that of the product without a name. ``seed`` is the key of
    the draw and stays while the shares change.
    """

    __tablename__ = "read_plans"
    __table_args__ = (Index("ix_read_plans_product", "pack", "product", "number"),)

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(unique=True)
    pack: str
    product: str
    negative_share: float
    positive_share: float
    defer_share: float
    gold_share: float
    sensitivity_target: float
    seed: str
    set_by: str
    set_at: str
    supersedes: str


class ReadDrawRow(TableRow, table=True):
    """A review that a second person is to read too; its id is that of the review."""

    __tablename__ = "read_draws"
    __table_args__ = BY_ID

    id: str = Field(primary_key=True, foreign_key="reviews.id")
    case_id: str = Field(foreign_key="cases.id", index=True)
    probability: float
    plan_id: str
    drawn_at: str


class CaseReadRow(TableRow, table=True):
    """An answer other than the first: a second read, an adjudication, a known case, or none.

    ``refers`` names what it was given on: the draw, the two reads that differ, the known answer, or
    the read that is taken back. ``before`` is the case that the reader would have had instead.
    """

    __tablename__ = "case_reads"
    __table_args__ = (Index("ix_case_reads_reader", "reader", "read_at"), BY_ID)

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="cases.id", index=True)
    pack: str
    kind: str
    disposition: str
    label: str
    comment: str
    reader: str
    read_at: str
    images: int
    elapsed_ms: int
    refers: str
    before: str


class GoldAnswerRow(TableRow, table=True):
    """A case whose answer a lead knows and has mixed into the queue, or has withdrawn again."""

    __tablename__ = "gold_answers"
    __table_args__ = BY_ID

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="cases.id", index=True)
    pack: str
    product: str
    kind: str
    disposition: str
    label: str
    chosen_by: str
    chosen_at: str
    supersedes: str


class ReadStatusRow(TableRow, table=True):
    """Where the reads of a drawn case stand: a cache over the append-only rows."""

    __tablename__ = "read_status"
    __table_args__ = (Index("ix_read_status_queue", "pack", "state", "since", "case_id"), BY_ID)

    case_id: str = Field(primary_key=True, foreign_key="cases.id")
    pack: str
    product: str
    state: str
    since: str
    first_reader: str
    second_reader: str
    disposition: str
    label: str


class ReadClaimRow(TableRow, table=True):
    """Who has a case before them, until when; a row that changes in place and is no record."""

    __tablename__ = "read_claims"
    __table_args__ = (Index("ix_read_claims_person", "person"), BY_ID)

    id: str = Field(primary_key=True)
    case_id: str
    pack: str
    kind: str
    person: str
    name: str
    claimed_at: str
    expires_at: str
    before: str
    is_passed: bool
