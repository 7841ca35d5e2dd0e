"""The status of a case holds what its images are tiles of, in the indexes of figures over time."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "r0014"
down_revision = "r0013"

_HEADERS = """
    SELECT images.case_id, headers.meta FROM headers JOIN images ON images.id = headers.id
    WHERE headers.meta LIKE '%"tile_of": "%'
"""
_SET = "UPDATE case_status SET tile_of = :tile_of WHERE case_id = :case_id"


def upgrade() -> None:
    """Add the column, fill it for tiles, and make both indexes anew.

    Not by ``changes_case_status``: few of a million cases are tiles.
    """
    op.add_column(
        "case_status", sa.Column("tile_of", sa.String(), nullable=False, server_default="")
    )
    _fill()
    op.drop_index("ix_case_status_time", "case_status")
    op.create_index(
        "ix_case_status_time",
        "case_status",
        ["pack", "opened_at", "product", "disposition", "tile_of"],
    )
    op.drop_index("ix_case_status_answers", "case_status")
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
            "tile_of",
        ],
        sqlite_where=has_answer,
        postgresql_where=has_answer,
    )


def _fill() -> None:
    connection = op.get_bind()
    found = connection.execute(sa.text(_HEADERS)).all()
    tiles = {case: json.loads(meta).get("tile_of", "") for case, meta in found}
    rows = [{"case_id": case, "tile_of": parent} for case, parent in tiles.items() if parent]
    if rows:
        connection.execute(sa.text(_SET), rows)
