"""Messages name their receiver and their parts; which of these a receiver has is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"


def upgrade() -> None:
    """Add the columns, with what a message without them means, and the table."""
    op.add_column("outbox", sa.Column("receiver", sa.String(), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("parts", sa.String(), nullable=False, server_default="[]"))
    op.create_table(
        "taken_parts",
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("taken_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["message"], ["outbox.id"], name="fk_taken_parts_message"),
        sa.PrimaryKeyConstraint("message", "sha256", name="pk_taken_parts"),
        sqlite_with_rowid=False,
    )
