"""Begun web participations by network, without any participation; and whether a session began in a burst."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261201_begin_counts"
down_revision = "20261201_revision_files"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "begin_counts",
        sa.Column("consultation_id", ID, autoincrement=False, nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("network", sa.LargeBinary(), nullable=False),
        sa.Column("begins", ID, nullable=False),
        sa.CheckConstraint("length(network) = 16", name=op.f("ck_begin_counts_network")),
        sa.ForeignKeyConstraint(
            ["consultation_id"],
            ["consultations.id"],
            name=op.f("fk_begin_counts_consultation_id_consultations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("consultation_id", "hour", "network", name=op.f("pk_begin_counts")),
    )
    op.add_column("sessions", sa.Column("burst", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("sessions", "burst")
    op.drop_table("begin_counts")
