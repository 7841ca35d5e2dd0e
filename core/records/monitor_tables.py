"""The tables of the monitor: what was measured on pictures, alarms, and where its tests stand."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field

from core.records.table_base import BY_ID, TableRow


class ObservationRow(TableRow, table=True):
    """What was measured on the picture of a decision, whose id it has, and its label set."""

    __tablename__ = "observations"
    __table_args__ = BY_ID

    id: str = Field(primary_key=True)
    source: str
    measures: str
    label_set: str


class AlarmRow(TableRow, table=True):
    """An alarm of the monitor; ``deployment_id`` is that of the suspended policy, if it voids one.

    ``epoch_id`` is the deployment since which what it voids has been in force.
    """

    __tablename__ = "alarms"
    __table_args__ = (Index("ix_alarms_product", "pack", "product", "number"),)

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(unique=True)
    pack: str
    product: str
    bundle: str
    bundle_sha256: str
    policy_id: str
    epoch_id: str
    kind: str
    source: str
    sentence: str
    evidence: str
    deployment_id: str
    raised_at: str


class AlarmNoteRow(TableRow, table=True):
    """That a person has taken note of an alarm; it restores nothing."""

    __tablename__ = "alarm_notes"
    __table_args__ = (Index("ix_alarm_notes_alarm_id", "alarm_id"), BY_ID)

    id: str = Field(primary_key=True)
    alarm_id: str = Field(foreign_key="alarms.id")
    comment: str
    noted_by: str
    noted_at: str


class MonitorStateRow(TableRow, table=True):
    """Where the tests of one product stand: a cache over the append-only rows, as JSON."""

    __tablename__ = "monitor_states"
    __table_args__ = BY_ID

    id: str = Field(primary_key=True)
    pack: str
    product: str
    body: str
