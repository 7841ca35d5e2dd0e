"""Cases are filtered by facets, which are counted; the statuses are worked out anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0006"
down_revision = "r0005"
changes_case_status = True


def upgrade() -> None:
    """Add the columns, the indexes and the table; whoever migrates works them out."""
    for name in ("sites", "reasons", "facets_id"):
        op.add_column(
            "case_status", sa.Column(name, sa.String(), nullable=False, server_default="")
        )
    op.drop_index("ix_case_status_counts", "case_status")
    op.create_index(
        "ix_case_status_facets_urgency",
        "case_status",
        ["facets_id", "negated_urgency", "opened_at", "case_id"],
    )
    op.create_index(
        "ix_case_status_facets_time", "case_status", ["facets_id", "opened_at", "case_id"]
    )
    op.create_table(
        "case_facets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("sites", sa.String(), nullable=False),
        sa.Column("reasons", sa.String(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("queue_state", sa.Integer(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_facets"),
        sqlite_with_rowid=False,
    )
