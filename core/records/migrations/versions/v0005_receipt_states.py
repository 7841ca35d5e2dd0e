"""Receipts are found by their state: conflicts are looked for with every list of cases."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_receipts_state", "receipts", ["pack", "state"])
