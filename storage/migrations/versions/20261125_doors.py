"""Account linking: codes, failed attempts, and superseded answers."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261125_doors"
down_revision = "20261125_broadcasts"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "link_codes",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("asked_by", ID, nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length(code_hash) = 32", name=op.f("ck_link_codes_code_hash")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_link_codes_contact_id_contacts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["contacts.id"], name=op.f("fk_link_codes_asked_by_contacts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_link_codes")),
        sa.UniqueConstraint("contact_id", name=op.f("uq_link_codes_contact_id")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_link_codes_asked_by"), "link_codes", ["asked_by"])
    op.create_table(
        "link_attempts",
        sa.Column("contact_id", ID, autoincrement=False, nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_link_attempts_contact_id_contacts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_link_attempts")),
    )
    op.create_table(
        "set_aside",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("keep_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_set_aside_contact_id_contacts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_set_aside")),
    )
    op.create_index(op.f("ix_set_aside_contact_id"), "set_aside", ["contact_id"])


def downgrade() -> None:
    op.drop_table("set_aside")
    op.drop_table("link_attempts")
    op.drop_table("link_codes")
