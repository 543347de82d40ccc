"""Rooms for live meetings."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261125_rooms"
down_revision = "20261125_answering"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rooms",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("consultation_id", ID, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("shows_results", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultations.id"], name=op.f("fk_rooms_consultation_id_consultations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
        sa.UniqueConstraint("code", name=op.f("uq_rooms_code")),
    )
    op.create_index(op.f("ix_rooms_consultation_id"), "rooms", ["consultation_id"], unique=False)


def downgrade() -> None:
    op.drop_table("rooms")
