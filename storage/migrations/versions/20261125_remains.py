"""The figures that remain when votes are deleted."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261125_remains"
down_revision = "20261125_attachments"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "kept_reports",
        sa.Column("consultation_id", ID, autoincrement=False, nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultations.id"], name=op.f("fk_kept_reports_consultation_id_consultations")
        ),
        sa.PrimaryKeyConstraint("consultation_id", name=op.f("pk_kept_reports")),
    )


def downgrade() -> None:
    op.drop_table("kept_reports")
