"""Policies are proposed by one person and released by another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0005"
down_revision = "r0004"


def upgrade() -> None:
    """Add the tables of proposals and of what became of them."""
    op.create_table(
        "proposals",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in (
                "pack",
                "product",
                "bundle",
                "bundle_sha256",
                "policy_id",
                "before",
                "deployment",
                "evidence",
                "proposed_by",
                "proposed_at",
            )
        ),
        sa.PrimaryKeyConstraint("number", name="pk_proposals"),
        sa.UniqueConstraint("id", name="uq_proposals_id"),
    )
    op.create_index("ix_proposals_product", "proposals", ["pack", "product", "number"])
    op.create_table(
        "proposal_outcomes",
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("id", "outcome", "comment", "deployment", "decided_by", "decided_at")
        ),
        sa.ForeignKeyConstraint(["id"], ["proposals.id"], name="fk_proposal_outcomes_id"),
        sa.PrimaryKeyConstraint("id", name="pk_proposal_outcomes"),
        sqlite_with_rowid=False,
    )
