"""The chats from which members of staff give commands."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261125_staff_chats"
down_revision = "20261125_weighing"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "staff_chats",
        sa.Column("member_id", ID, autoincrement=False, nullable=False),
        sa.Column("lookup", sa.LargeBinary(), nullable=True),
        sa.Column("bound_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length(lookup) = 32", name=op.f("ck_staff_chats_lookup")),
        sa.ForeignKeyConstraint(
            ["lookup"], ["addresses.lookup"], name=op.f("fk_staff_chats_lookup_addresses"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_staff_chats")),
        sa.UniqueConstraint("lookup", name=op.f("uq_staff_chats_lookup")),
    )


def downgrade() -> None:
    op.drop_table("staff_chats")
