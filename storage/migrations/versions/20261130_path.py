"""The path decides which answers are stored: votes know their question, and stored answers are checked once."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261130_path"
down_revision = "20261130_messengers"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("rating_events", sa.Column("question_key", sa.Text(), nullable=True))
    op.create_table(
        "data_migrations",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", ID, nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_data_migrations")),
    )


def downgrade() -> None:
    op.drop_table("data_migrations")
    op.drop_column("rating_events", "question_key")
