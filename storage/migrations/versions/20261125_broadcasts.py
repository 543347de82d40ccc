"""Broadcasts and their recipients."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261125_broadcasts"
down_revision = "20261125_opt_ins"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RUNNING = sa.text("state IN ('planning', 'sending', 'paused')")
PLANNED = sa.text("state = 'planned'")
QUEUED = sa.text("state = 'queued'")
SENT_FROM = sa.text("outbox_id IS NOT NULL")
STATES = ("draft", "planning", "sending", "paused", "done", "recalled")
RECIPIENT_STATES = ("planned", "queued", "sent", "failed", "skipped", "recalled")


def _one_of(values: tuple[str, ...]) -> str:
    return " OR ".join(f"state = '{value}'" for value in values)


def upgrade() -> None:
    op.create_table(
        "broadcasts",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("is_reminder", sa.Boolean(), nullable=False),
        sa.Column("per_hour", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("member_id", ID, nullable=True),
        sa.Column("counted", sa.Integer(), nullable=True),
        sa.Column("planned_to", ID, nullable=False),
        sa.Column("paced_to", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(_one_of(STATES), name=op.f("ck_broadcasts_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
    )
    op.create_index(
        "ix_broadcasts_running",
        "broadcasts",
        ["slug", "is_reminder"],
        unique=True,
        sqlite_where=RUNNING,
        postgresql_where=RUNNING,
    )
    op.create_table(
        "broadcast_recipients",
        sa.Column("broadcast_id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("outbox_id", ID, nullable=True),
        sa.Column("moved_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(_one_of(RECIPIENT_STATES), name=op.f("ck_broadcast_recipients_state")),
        sa.ForeignKeyConstraint(
            ["broadcast_id"],
            ["broadcasts.id"],
            name=op.f("fk_broadcast_recipients_broadcast_id_broadcasts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_broadcast_recipients_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("broadcast_id", "contact_id", name=op.f("pk_broadcast_recipients")),
        sqlite_with_rowid=False,
    )
    table = "broadcast_recipients"
    op.create_index(op.f("ix_broadcast_recipients_contact_id_moved_at"), table, ["contact_id", "moved_at"])
    op.create_index(
        "ix_broadcast_recipients_outbox", table, ["outbox_id"], sqlite_where=SENT_FROM, postgresql_where=SENT_FROM
    )
    op.create_index(
        "ix_broadcast_recipients_planned",
        table,
        ["broadcast_id", "contact_id"],
        sqlite_where=PLANNED,
        postgresql_where=PLANNED,
    )
    op.create_index(
        "ix_broadcast_recipients_queued", table, ["broadcast_id"], sqlite_where=QUEUED, postgresql_where=QUEUED
    )


def downgrade() -> None:
    op.drop_table("broadcast_recipients")
    op.drop_table("broadcasts")
