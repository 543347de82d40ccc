"""Drafts and templates of official answers, corrections, and indexes of proposals by official answer."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from storage.core.base import UtcDateTime

revision = "20261201_answer_drafts"
down_revision = "20261130_console"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
STATUSES = ("under_consideration", "next_phase", "accepted", "rejected", "done")
HELD = sa.text("publish_at IS NOT NULL")
OWED = sa.text(
    "released_at IS NOT NULL AND withdrawn_at IS NULL AND source IS NULL "
    "AND (status = 'received' OR status = 'under_consideration')"
)
ANSWERED = sa.text("released_at IS NOT NULL AND withdrawn_at IS NULL AND status <> 'received'")


def upgrade() -> None:
    op.add_column(
        "proposal_statuses", sa.Column("is_correction", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    for name, rule in (("ix_proposals_owed", OWED), ("ix_proposals_answered", ANSWERED)):
        op.create_index(name, "proposals", ["consultation_id", "id"], sqlite_where=rule, postgresql_where=rule)
    op.create_table(
        "answer_drafts",
        sa.Column("proposal_id", ID, autoincrement=False, nullable=False),
        sa.Column("consultation_id", ID, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", JSON, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("is_correction", sa.Boolean(), nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=True),
        sa.Column("staff_name", sa.Text(), nullable=False),
        sa.Column("staff_role", sa.Text(), nullable=False),
        sa.Column("staff_door", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("sending_id", ID, nullable=True),
        sa.Column("publish_at", UtcDateTime(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.CheckConstraint(
            " OR ".join(f"status = '{status}'" for status in STATUSES), name=op.f("ck_answer_drafts_status")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposals.id"], name=op.f("fk_answer_drafts_proposal_id_proposals"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_answer_drafts")),
    )
    op.create_index("ix_answer_drafts_consultation_id_proposal_id", "answer_drafts", ["consultation_id", "proposal_id"])
    op.create_index("ix_answer_drafts_held", "answer_drafts", ["publish_at"], sqlite_where=HELD, postgresql_where=HELD)
    op.create_table(
        "answer_templates",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", JSON, nullable=False),
        sa.Column("staff_name", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_templates")),
        sa.UniqueConstraint("name", name=op.f("uq_answer_templates_name")),
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE answer_drafts ALTER COLUMN reason SET STATISTICS 0")


def downgrade() -> None:
    op.drop_table("answer_templates")
    op.drop_table("answer_drafts")
    op.drop_index("ix_proposals_answered", table_name="proposals")
    op.drop_index("ix_proposals_owed", table_name="proposals")
    op.drop_column("proposal_statuses", "is_correction")
