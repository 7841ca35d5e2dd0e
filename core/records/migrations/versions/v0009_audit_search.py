"""The audit log is searched by case, person, action and time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0009"
down_revision = "r0008"

INDICES = {
    "ix_audit_events_at": ["at", "seq"],
    "ix_audit_events_actor": ["actor", "at", "seq"],
    "ix_audit_events_action": ["action", "at", "seq"],
    "ix_audit_events_actor_action": ["actor", "action", "at", "seq"],
}


def upgrade() -> None:
    """Add the look-up by case, which earlier events do not name, and the indices."""
    op.create_table(
        "audit_cases",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "seq", name="pk_audit_cases"),
        sqlite_with_rowid=False,
    )
    for name, columns in INDICES.items():
        op.create_index(name, "audit_events", columns)
