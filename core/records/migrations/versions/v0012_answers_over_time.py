"""The status of a case holds the answer that stands, found by its time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0012"
down_revision = "r0011"

_FILL = """
    UPDATE case_status
    SET (answer, answer_by, answer_at, answer_verdict, answer_is_drawn) = (
        SELECT reviews.disposition, reviews.reviewer, reviews.reviewed_at, decisions.disposition,
            coalesce(decisions.findings, '') LIKE '%["AUDIT"%'
        FROM reviews LEFT JOIN decisions ON decisions.id = reviews.decision_id
        WHERE reviews.case_id = case_status.case_id
            AND reviews.revision = case_status.revision - 1 AND reviews.kind = 'review'
    )
    WHERE revision > 0
"""


def upgrade() -> None:
    """Add the columns and the index, and fill those of the cases with a review.

    Not by ``changes_case_status``: few of a million cases have one.
    """
    for name in ("answer", "answer_by", "answer_at", "answer_verdict"):
        op.add_column("case_status", sa.Column(name, sa.String(), nullable=True))
    op.add_column("case_status", sa.Column("answer_is_drawn", sa.Boolean(), nullable=True))
    op.execute(_FILL)
    has_answer = sa.text("answer_at IS NOT NULL")
    op.create_index(
        "ix_case_status_answers",
        "case_status",
        [
            "pack",
            "answer_at",
            "case_id",
            "facets_id",
            "answer",
            "answer_by",
            "answer_verdict",
            "answer_is_drawn",
        ],
        sqlite_where=has_answer,
        postgresql_where=has_answer,
    )
