"""Accounts at an identity provider as credentials."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261201_oidc"
down_revision = "20261201_consultation_drafts"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BEFORE = ("password", "totp", "passkey", "recovery")
AFTER = (*BEFORE, "oidc")


def upgrade() -> None:
    _change_kinds(BEFORE, AFTER)


def downgrade() -> None:
    op.execute("DELETE FROM staff_credentials WHERE kind = 'oidc'")
    _change_kinds(AFTER, BEFORE)


def _change_kinds(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    with op.batch_alter_table("staff_credentials", copy_from=_credentials(before)) as batch:
        batch.drop_constraint(op.f("ck_staff_credentials_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_staff_credentials_kind"), _rule(after))


def _rule(kinds: tuple[str, ...]) -> sa.TextClause:
    return sa.text(" OR ".join(f"kind = '{kind}'" for kind in kinds))


def _credentials(kinds: tuple[str, ...]) -> sa.Table:
    """Returns the table as it is, from which SQLite builds the new one."""
    return sa.Table(
        "staff_credentials",
        sa.MetaData(),
        sa.Column("id", ID, primary_key=True, autoincrement=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("counter", ID, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(_rule(kinds), name=op.f("ck_staff_credentials_kind")),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_credentials_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_credentials")),
        sa.UniqueConstraint("handle", name=op.f("uq_staff_credentials_handle")),
        sa.Index("ix_staff_credentials_staff_id", "staff_id"),
    )
