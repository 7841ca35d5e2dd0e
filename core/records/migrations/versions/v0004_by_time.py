"""Decisions and cases are found by time; people keep preferences."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"


def upgrade() -> None:
    """Add the indexes and the table."""
    op.create_index("ix_decisions_time", "decisions", ["pack", "product", "decided_at"])
    op.create_index(
        "ix_case_status_time", "case_status", ["pack", "opened_at", "product", "disposition"]
    )
    op.create_table(
        "preferences",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("kept_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_preferences"),
        sa.UniqueConstraint("id", name="uq_preferences_id"),
    )
    op.create_index("ix_preferences_person", "preferences", ["person_id", "name", "seq"])
