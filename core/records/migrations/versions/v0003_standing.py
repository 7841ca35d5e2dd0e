"""Which decision stands: provisional ones are superseded, older ones are reinstated."""

import sqlalchemy as sa
from alembic import op

from core.errors import StoreError

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM decisions")):
        # The log holds hashes of whole rows: with columns added, every one would read as edited.
        raise StoreError(
            "The store was written before schema 0003 and cannot be carried over.",
            hint="Keep it as it is, and give ASSAY_HOME or ASSAY_STORE_URL an empty place.",
        )
    op.drop_table("decisions")
    op.create_table(
        "decisions",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("content_key", sa.String(), nullable=False),
        sa.Column("bundle", sa.String(), nullable=False),
        sa.Column("bundle_sha256", sa.String(), nullable=False),
        sa.Column("policy_id", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
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
        sa.Column("code_version", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("decode_ms", sa.Float(), nullable=False),
        sa.Column("infer_ms", sa.Float(), nullable=False),
        sa.Column("total_ms", sa.Float(), nullable=False),
        sa.Column("decided_at", sa.String(), nullable=False),
        sa.Column("good_p", sa.Float(), nullable=True),
        sa.Column("is_provisional", sa.Boolean(), nullable=False),
        sa.Column("supersedes", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("content_key", "bundle_sha256", "policy_id", "supersedes"),
        sa.UniqueConstraint("id"),
    )
    op.create_table(
        "reinstatements",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("supersedes", sa.String(), nullable=False),
        sa.Column("reinstated_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"]),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ix_reinstatements_decision_id_seq", "reinstatements", ["decision_id", "seq"])
