"""Outcome notifications, split proposals, and API keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from storage.core.base import UtcDateTime

revision = "20261125_answering"
down_revision = "20261125_staff_chats"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
TELLING = sa.text("tell_after IS NOT NULL")


def upgrade() -> None:
    op.add_column("moderations", sa.Column("split_from", ID, nullable=True))
    op.create_index(op.f("ix_moderations_split_from"), "moderations", ["split_from"], unique=False)
    op.add_column("proposal_statuses", sa.Column("tell_after", ID, nullable=True))
    op.create_index(
        "ix_proposal_statuses_telling",
        "proposal_statuses",
        ["id"],
        unique=False,
        sqlite_where=TELLING,
        postgresql_where=TELLING,
    )
    op.create_table(
        "api_keys",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("slug", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("length(key_hash) = 32", name=op.f("ck_api_keys_key_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
        sa.UniqueConstraint("label", name=op.f("uq_api_keys_label")),
    )


def downgrade() -> None:
    op.drop_table("api_keys")
    op.drop_index("ix_proposal_statuses_telling", table_name="proposal_statuses")
    op.drop_column("proposal_statuses", "tell_after")
    op.drop_index(op.f("ix_moderations_split_from"), table_name="moderations")
    op.drop_column("moderations", "split_from")
