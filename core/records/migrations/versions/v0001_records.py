"""Every table: cases and what was decided on them, what came in, deployments, jobs, the log."""

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("opened_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "decisions",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("content_key", sa.String(), nullable=False),
        sa.Column("bundle", sa.String(), nullable=False),
        sa.Column("bundle_sha256", sa.String(), nullable=False),
        sa.Column("policy_id", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("wording", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("classes", sa.String(), nullable=False),
        sa.Column("probabilities", sa.String(), nullable=False),
        sa.Column("positive_probability", sa.Float(), nullable=True),
        sa.Column("ood_p", sa.Float(), nullable=True),
        sa.Column("findings", sa.String(), nullable=False),
        sa.Column("features", sa.LargeBinary(), nullable=False),
        sa.Column("logits", sa.LargeBinary(), nullable=False),
        sa.Column("ood_score", sa.Float(), nullable=True),
        sa.Column("good_p", sa.Float(), nullable=True),
        sa.Column("code_version", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("decode_ms", sa.Float(), nullable=False),
        sa.Column("infer_ms", sa.Float(), nullable=False),
        sa.Column("total_ms", sa.Float(), nullable=False),
        sa.Column("decided_at", sa.String(), nullable=False),
        sa.Column("is_provisional", sa.Boolean(), nullable=False),
        sa.Column("supersedes", sa.String(), nullable=False),
        sa.Column("audit_probability", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("content_key", "bundle_sha256", "policy_id", "product", "supersedes"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ix_decisions_product", "decisions", ["pack", "product", "seq"], unique=False)
    op.create_table(
        "deployments",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("bundle", sa.String(), nullable=False),
        sa.Column("bundle_sha256", sa.String(), nullable=False),
        sa.Column("policy_id", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("audit_share", sa.Float(), nullable=False),
        sa.Column("deployed_by", sa.String(), nullable=False),
        sa.Column("second_person", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("supersedes", sa.String(), nullable=False),
        sa.Column("deployed_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(
        "ix_deployments_product", "deployments", ["pack", "product", "number"], unique=False
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.String(), nullable=False),
        sa.Column("leased_until", sa.String(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("added_at", sa.String(), nullable=False),
        sa.Column("finished_at", sa.String(), nullable=False),
        sa.Column("progress", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("heartbeat_at", sa.String(), nullable=False),
        sa.Column("cancel_requested_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_jobs_next",
        "jobs",
        ["state", "kind", "priority", "not_before", "added_at"],
        unique=False,
    )
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
    op.create_index("ix_outbox_subject", "outbox", ["pack", "output", "subject"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("meta", sa.String(), nullable=False),
        sa.Column("received_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_receipts_key", "receipts", ["pack", "key"], unique=False)
    op.create_index("ix_receipts_sha256", "receipts", ["sha256"], unique=False)
    op.create_index("ix_receipts_state", "receipts", ["pack", "state"], unique=False)
    op.create_table(
        "case_status",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("queue_state", sa.Integer(), nullable=False),
        sa.Column("negated_urgency", sa.Float(), nullable=False),
        sa.Column("opened_at", sa.String(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["cases.id"],
        ),
        sa.PrimaryKeyConstraint("case_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_case_status_counts", "case_status", ["pack", "queue_state", "disposition"], unique=False
    )
    op.create_index(
        "ix_case_status_queue",
        "case_status",
        ["pack", "queue_state", "negated_urgency", "opened_at", "case_id"],
        unique=False,
    )
    op.create_table(
        "images",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("content_key", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("received_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["cases.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_images_case_id"), "images", ["case_id"], unique=False)
    op.create_index(op.f("ix_images_content_key"), "images", ["content_key"], unique=False)
    op.create_table(
        "reinstatements",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("supersedes", sa.String(), nullable=False),
        sa.Column("reinstated_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["decisions.id"],
        ),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(
        "ix_reinstatements_decision_id_seq", "reinstatements", ["decision_id", "seq"], unique=False
    )
    op.create_table(
        "resolutions",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("receipt_id", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("stands", sa.String(), nullable=False),
        sa.Column("replaces", sa.String(), nullable=False),
        sa.Column("resolved_by", sa.String(), nullable=False),
        sa.Column("resolved_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["receipt_id"],
            ["receipts.id"],
        ),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ix_resolutions_key", "resolutions", ["pack", "key"], unique=False)
    op.create_index("ix_resolutions_replaces", "resolutions", ["replaces"], unique=False)
    op.create_index("ix_resolutions_stands", "resolutions", ["stands"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("reviewed_at", sa.String(), nullable=False),
        sa.Column("supersedes", sa.String(), nullable=False),
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["cases.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id", "revision"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_reviews_reviewed_at"), "reviews", ["reviewed_at"], unique=False)
    op.create_table(
        "headers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("meta", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["id"],
            ["images.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pack_rows",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("figure", sa.Float(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pack", "kind", "series", "number", "revision"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_pack_rows_at", "pack_rows", ["pack", "kind", "series", "at"], unique=False)
    op.create_index("ix_pack_rows_subject", "pack_rows", ["pack", "kind", "subject"], unique=False)
