"""The files that revisions were published from."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_revision_files"
down_revision = "20261201_staff_signed_out"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "revision_files",
        sa.Column("revision_id", ID, autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["revisions.id"],
            name=op.f("fk_revision_files_revision_id_revisions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("revision_id", name=op.f("pk_revision_files")),
    )


def downgrade() -> None:
    op.drop_table("revision_files")
