"""Opt-ins and their subjects."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261125_opt_ins"
down_revision = "20261125_rooms"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "opt_ins",
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("wording_hash", sa.Text(), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "about = 'all' OR about = 'topic' OR about = 'district' OR about = 'outcome'", name=op.f("ck_opt_ins_about")
        ),
        sa.CheckConstraint("length(wording_hash) = 64", name=op.f("ck_opt_ins_wording_hash")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_opt_ins_contact_id_contacts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("contact_id", "about", "subject", name=op.f("pk_opt_ins")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_opt_ins_about_subject"), "opt_ins", ["about", "subject"])


def downgrade() -> None:
    op.drop_table("opt_ins")
