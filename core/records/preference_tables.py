"""The table of what people like to see, and of the prices that they reckon with."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field

from core.records.table_base import TableRow


class PreferenceRow(TableRow, table=True):
    """A value that a person keeps under a name; of one name the highest ``seq`` counts."""

    __tablename__ = "preferences"
    __table_args__ = (Index("ix_preferences_person", "person_id", "name", "seq"),)

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(unique=True)
    person_id: str
    name: str
    value: str
    kept_at: str
