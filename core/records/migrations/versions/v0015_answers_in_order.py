"""What a person answered last is found by the order of writing instead of by its time."""

from __future__ import annotations

from alembic import op

revision = "r0015"
down_revision = "r0014"


def upgrade() -> None:
    """Index the order of each person's events; that of their reviews' times serves no more."""
    op.create_index("ix_audit_events_actor_order", "audit_events", ["actor", "action", "seq"])
    op.drop_index("ix_reviews_reviewer", "reviews")
