"""Second reads: plans, draws, reads and known answers; where they stand and who has which case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0007"
down_revision = "r0006"

_PLAN = ("negative_share", "positive_share", "defer_share", "gold_share", "sensitivity_target")
_STATUS = ("state", "since", "first_reader", "second_reader", "disposition", "label")


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def upgrade() -> None:
    _plans()
    _draws_and_reads()
    _answers()
    _status_and_claims()


def _plans() -> None:
    op.create_table(
        "read_plans",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        *_texts("id", "pack", "product"),
        *(sa.Column(name, sa.Float(), nullable=False) for name in _PLAN),
        *_texts("seed", "set_by", "set_at", "supersedes"),
        sa.PrimaryKeyConstraint("number", name="pk_read_plans"),
        sa.UniqueConstraint("id", name="uq_read_plans_id"),
    )
    op.create_index("ix_read_plans_product", "read_plans", ["pack", "product", "number"])


def _draws_and_reads() -> None:
    op.create_table(
        "read_draws",
        *_texts("id", "case_id"),
        sa.Column("probability", sa.Float(), nullable=False),
        *_texts("plan_id", "drawn_at"),
        sa.ForeignKeyConstraint(["id"], ["reviews.id"], name="fk_read_draws_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_read_draws_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_read_draws"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_read_draws_case_id", "read_draws", ["case_id"])
    op.create_table(
        "case_reads",
        *_texts("id", "case_id", "pack", "kind", "disposition", "label", "comment"),
        *_texts("reader", "read_at"),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("elapsed_ms", sa.Integer(), nullable=False),
        *_texts("refers", "before"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_reads_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_case_reads"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_case_reads_case_id", "case_reads", ["case_id"])
    op.create_index("ix_case_reads_reader", "case_reads", ["reader", "read_at"])


def _answers() -> None:
    op.create_table(
        "gold_answers",
        *_texts("id", "case_id", "pack", "product", "kind", "disposition", "label"),
        *_texts("chosen_by", "chosen_at", "supersedes"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_gold_answers_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_gold_answers"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_gold_answers_case_id", "gold_answers", ["case_id"])


def _status_and_claims() -> None:
    op.create_table(
        "read_status",
        *_texts("case_id", "pack", "product", *_STATUS),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_read_status_case_id"),
        sa.PrimaryKeyConstraint("case_id", name="pk_read_status"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_read_status_queue", "read_status", ["pack", "state", "since", "case_id"])
    op.create_table(
        "read_claims",
        *_texts("id", "case_id", "pack", "kind", "person", "name", "claimed_at", "expires_at"),
        *_texts("before"),
        sa.Column("is_passed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_read_claims"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_read_claims_person", "read_claims", ["person"])
