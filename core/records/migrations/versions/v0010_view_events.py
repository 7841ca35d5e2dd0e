"""What people look at is recorded; a person's last review is one step into an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0010"
down_revision = "r0009"


def upgrade() -> None:
    """Add the table and the index."""
    op.create_table(
        "view_events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("view", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("after_ms", sa.Float(), nullable=False),
        sa.Column("active_ms", sa.Float(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_view_events_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_view_events"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_view_events_person", "view_events", ["person_id", "at"])
    op.create_index("ix_reviews_reviewer", "reviews", ["reviewer", "reviewed_at"])
