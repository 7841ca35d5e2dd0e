"""Cases that a person put off, and a verdict whose sign-in had ended, outlive the server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0011"
down_revision = "r0010"


def upgrade() -> None:
    """Add the two tables."""
    op.create_table(
        "skipped_cases",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("skipped_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_skipped_cases"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_skipped_cases_person", "skipped_cases", ["person", "skipped_at"])
    op.create_table(
        "kept_answers",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("kept_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("person", name="pk_kept_answers"),
        sqlite_with_rowid=False,
    )
