"""The reason why a published count is suppressed, its base, and the basis of comparison for the next edition."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_reasons"
down_revision = "20261130_hours"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("editions", sa.Column("compared", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("edition_rows", sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("edition_rows", sa.Column("answered", ID, nullable=True))
    op.add_column("edition_rows", sa.Column("asked", ID, nullable=True))
    op.add_column("edition_rows", sa.Column("rounded", sa.SmallInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    for column in ("rounded", "asked", "answered", "reason"):
        op.drop_column("edition_rows", column)
    op.drop_column("editions", "compared")
