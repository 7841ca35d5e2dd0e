"""The table of what people looked at."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field

from core.records.table_base import BY_ID, TableRow


class ViewEventRow(TableRow, table=True):
    """One thing that happened while a case was on a person's screen.

    ``view`` names one showing of the case, ``after_ms`` counts from its beginning by the browser's
    monotonic clock, ``active_ms`` is how long the person was active in it by then.
    """

    __tablename__ = "view_events"
    __table_args__ = (Index("ix_view_events_person", "person_id", "at"), BY_ID)

    id: str = Field(primary_key=True)
    view: str
    number: int
    person_id: str
    case_id: str = Field(foreign_key="cases.id")
    revision: int
    kind: str
    after_ms: float
    active_ms: float
    at: str
