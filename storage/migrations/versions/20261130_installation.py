"""An id of the database, by which a data folder recognises it."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "20261130_installation"
down_revision = "20261130_topics"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = op.create_table(
        "installation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.CheckConstraint("length(id) = 32", name=op.f("ck_installation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.bulk_insert(table, [{"id": secrets.token_hex(16)}])


def downgrade() -> None:
    op.drop_table("installation")
