"""Jobs keep progress, result, heartbeat and a request to cancel; messages that are to leave."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_NEW = ("progress", "result", "heartbeat_at", "cancel_requested_at")


def upgrade() -> None:
    """Add the columns and the table."""
    for name in _NEW:
        op.add_column("jobs", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.execute("UPDATE jobs SET state = 'given up' WHERE state = 'quarantined'")
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("output", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("added_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_outbox_subject", "outbox", ["pack", "output", "subject"])
