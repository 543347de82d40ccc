"""Voice messages and pictures in answers."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261125_attachments"
down_revision = "20261125_doors"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    op.create_table(
        "attachments",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("session_id", ID, nullable=True),
        sa.Column("question_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("size", ID, nullable=True),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("kind = 'voice' OR kind = 'picture'", name=op.f("ck_attachments_kind")),
        sa.CheckConstraint(
            "state = 'waiting' OR state = 'kept' OR state = 'failed' OR state = 'too_large' OR state = 'wrong_type'",
            name=op.f("ck_attachments_state"),
        ),
        sa.CheckConstraint(
            "(state = 'waiting') = (handle IS NOT NULL)", name=op.f("ck_attachments_handle_while_needed")
        ),
        sa.CheckConstraint("(state = 'waiting') = (due_at IS NOT NULL)", name=op.f("ck_attachments_due_at")),
        sa.CheckConstraint("(state = 'kept') = (size IS NOT NULL)", name=op.f("ck_attachments_size")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_attachments_session_id_sessions"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
    )
    op.create_index(op.f("ix_attachments_session_id_question_key"), "attachments", ["session_id", "question_key"])
    op.create_index("ix_attachments_waiting", "attachments", ["due_at"], sqlite_where=WAITING, postgresql_where=WAITING)


def downgrade() -> None:
    op.drop_table("attachments")
