"""The published results of a room, for comparison with the next ones."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_room_results"
down_revision = "20261130_reasons"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "room_results",
        sa.Column("room_id", ID, autoincrement=False, nullable=False),
        sa.Column("question_key", sa.Text(), nullable=False),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["room_id"], ["rooms.id"], name=op.f("fk_room_results_room_id_rooms"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("room_id", "question_key", name=op.f("pk_room_results")),
    )


def downgrade() -> None:
    op.drop_table("room_results")
