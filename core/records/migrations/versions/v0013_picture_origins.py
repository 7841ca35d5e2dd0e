"""Which reviewed pictures are copies of others, and what they are known again by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0013"
down_revision = "r0012"


def upgrade() -> None:
    """Add the two tables, which fill as pictures are compared."""
    op.create_table(
        "picture_origins",
        sa.Column("bundle_sha256", sa.String(), nullable=False),
        sa.Column("content_key", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("bundle_sha256", "content_key", name="pk_picture_origins"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "compared_pictures",
        sa.Column("bundle_sha256", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("contents", sa.String(), nullable=False),
        sa.Column("fingerprints", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("bundle_sha256", "number", name="pk_compared_pictures"),
    )
