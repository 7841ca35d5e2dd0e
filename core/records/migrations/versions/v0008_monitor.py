"""Pictures are measured, and alarms are on record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0008"
down_revision = "r0007"


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def upgrade() -> None:
    """Add the four tables."""
    op.create_table(
        "observations",
        *_texts("id", "source", "measures", "label_set"),
        sa.PrimaryKeyConstraint("id", name="pk_observations"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "alarms",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        *_texts(
            "id",
            "pack",
            "product",
            "bundle",
            "bundle_sha256",
            "policy_id",
            "epoch_id",
            "kind",
            "source",
            "sentence",
            "evidence",
            "deployment_id",
            "raised_at",
        ),
        sa.PrimaryKeyConstraint("number", name="pk_alarms"),
        sa.UniqueConstraint("id", name="uq_alarms_id"),
    )
    op.create_index("ix_alarms_product", "alarms", ["pack", "product", "number"])
    op.create_table(
        "alarm_notes",
        *_texts("id", "alarm_id", "comment", "noted_by", "noted_at"),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.id"], name="fk_alarm_notes_alarm_id_alarms"),
        sa.PrimaryKeyConstraint("id", name="pk_alarm_notes"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_alarm_notes_alarm_id", "alarm_notes", ["alarm_id"])
    op.create_table(
        "monitor_states",
        *_texts("id", "pack", "product", "body"),
        sa.PrimaryKeyConstraint("id", name="pk_monitor_states"),
        sqlite_with_rowid=False,
    )
