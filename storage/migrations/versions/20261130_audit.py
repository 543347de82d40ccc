"""The audit log. A downgrade drops it; on SQLite the copy made before still has it."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261130_audit"
down_revision = "20261125_remains"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "door = 'cli' OR door = 'chat' OR door = 'api' OR door = 'page' OR door = 'system'",
            name=op.f("ck_audit_door"),
        ),
        sa.CheckConstraint("length(previous) = 32", name=op.f("ck_audit_previous")),
        sa.CheckConstraint("length(mac) = 32", name=op.f("ck_audit_mac")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_act_object"), "audit", ["act", "object"])


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_act_object"), table_name="audit")
    op.drop_table("audit")
