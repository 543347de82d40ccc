"""The console: credentials, sessions and invitations of staff, more roles, and consultations assigned to a member."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261130_console"
down_revision = "20261130_room_results"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FORMER_ROLES = ("helper", "facilitator", "kernteam", "admin")
ROLES = (*FORMER_ROLES, "project", "relay", "observer", "auditor")
NEAREST = {"project": "helper", "relay": "helper", "observer": "helper", "auditor": "helper"}
"""For a downgrade: the former role with the fewest permissions."""
ACTIVE = sa.text("revoked_at IS NULL")


def upgrade() -> None:
    _change_roles(FORMER_ROLES, ROLES)
    op.add_column("staff", sa.Column("assigned_only", sa.Boolean(), nullable=False, server_default=sa.false()))
    _drop_default()
    op.create_table(
        "staff_credentials",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("counter", ID, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "kind = 'password' OR kind = 'totp' OR kind = 'passkey' OR kind = 'recovery'",
            name=op.f("ck_staff_credentials_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_credentials_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_credentials")),
        sa.UniqueConstraint("handle", name=op.f("uq_staff_credentials_handle")),
    )
    op.create_index("ix_staff_credentials_staff_id", "staff_credentials", ["staff_id"])
    op.create_table(
        "console_sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", ID, nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length(token_hash) = 32", name=op.f("ck_console_sessions_token_hash")),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_console_sessions_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_console_sessions")),
    )
    op.create_index("ix_console_sessions_staff_id", "console_sessions", ["staff_id"])
    op.create_table(
        "invitations",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", ID, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("length(token_hash) = 32", name=op.f("ck_invitations_token_hash")),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_invitations_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_invitations")),
    )
    op.create_index("ix_invitations_staff_id", "invitations", ["staff_id"])
    op.create_table(
        "staff_assignments",
        sa.Column("staff_id", ID, autoincrement=False, nullable=False),
        sa.Column("consultation_id", ID, autoincrement=False, nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_assignments_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["consultation_id"],
            ["consultations.id"],
            name=op.f("fk_staff_assignments_consultation_id_consultations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("staff_id", "consultation_id", name=op.f("pk_staff_assignments")),
    )
    op.create_index("ix_staff_assignments_consultation_id", "staff_assignments", ["consultation_id"])


def downgrade() -> None:
    for table in ("staff_assignments", "invitations", "console_sessions", "staff_credentials"):
        op.drop_table(table)
    for role, nearest in NEAREST.items():
        op.execute(
            sa.text("UPDATE staff SET role = :nearest WHERE role = :role").bindparams(nearest=nearest, role=role)
        )
    with op.batch_alter_table("staff", copy_from=_staff(ROLES, has_assigned_only=True)) as batch:
        batch.drop_column("assigned_only")
    _change_roles(ROLES, FORMER_ROLES)


def _drop_default() -> None:
    """Removes the default that only the existing rows needed."""
    with op.batch_alter_table("staff", copy_from=_staff(ROLES, has_assigned_only=True)) as batch:
        batch.alter_column("assigned_only", server_default=None)


def _change_roles(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    with op.batch_alter_table("staff", copy_from=_staff(before)) as batch:
        batch.drop_constraint(op.f("ck_staff_role"), type_="check")
        batch.create_check_constraint(op.f("ck_staff_role"), _rule(after))


def _rule(roles: tuple[str, ...]) -> sa.TextClause:
    return sa.text(" OR ".join(f"role = '{role}'" for role in roles))


def _staff(roles: tuple[str, ...], *, has_assigned_only: bool = False) -> sa.Table:
    """Returns the table as it is, from which SQLite builds the new one."""
    flag: list[sa.Column[bool]] = [sa.Column("assigned_only", sa.Boolean(), nullable=False, server_default=sa.false())]
    return sa.Table(
        "staff",
        sa.MetaData(),
        sa.Column("id", ID, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        *(flag if has_assigned_only else []),
        sa.CheckConstraint(_rule(roles), name=op.f("ck_staff_role")),
        sa.CheckConstraint("length(code_hash) = 32", name=op.f("ck_staff_code_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_staff_code_hash")),
        sa.Index("ix_staff_name", "name", unique=True, sqlite_where=ACTIVE, postgresql_where=ACTIVE),
    )
