"""Members of staff, with personal codes."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261123_staff"
down_revision = "20261123_views"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LET_IN = sa.text("revoked_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "staff",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "role = 'helper' OR role = 'facilitator' OR role = 'kernteam' OR role = 'admin'",
            name=op.f("ck_staff_role"),
        ),
        sa.CheckConstraint("length(code_hash) = 32", name=op.f("ck_staff_code_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_staff_code_hash")),
    )
    op.create_index("ix_staff_name", "staff", ["name"], unique=True, sqlite_where=LET_IN, postgresql_where=LET_IN)


def downgrade() -> None:
    op.drop_table("staff")
