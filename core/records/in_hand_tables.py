"""The tables of what a person has in hand: rows that change in place and are no record."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field

from core.records.table_base import BY_ID, TableRow


class SkippedCaseRow(TableRow, table=True):
    """A case that a person put off; its id is made of both."""

    __tablename__ = "skipped_cases"
    __table_args__ = (Index("ix_skipped_cases_person", "person", "skipped_at"), BY_ID)

    id: str = Field(primary_key=True)
    person: str
    case_id: str
    skipped_at: str


class KeptAnswerRow(TableRow, table=True):
    """An answer that came after its person's sign-in had ended, until they are back.

    ``item`` is the case as it was shown, as JSON.
    """

    __tablename__ = "kept_answers"
    __table_args__ = BY_ID

    person: str = Field(primary_key=True)
    item: str
    disposition: str
    label: str
    comment: str
    kept_at: str
