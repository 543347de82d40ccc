"""Rating and release of proposals: locations, votes as events, moderation, decisions, translations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from storage.core.base import UtcDateTime

revision = "20261125_weighing"
down_revision = "20261123_staff"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
STATES = ("waiting", "released", "hidden", "merged", "split")
KINDS = ("approve", "hide", "edit", "merge", "split", "translate", "status", "restore")


def upgrade() -> None:
    op.add_column("proposals", sa.Column("place", sa.Text(), nullable=True))
    op.add_column("proposals", sa.Column("latitude", sa.Float(), nullable=True))
    op.add_column("proposals", sa.Column("longitude", sa.Float(), nullable=True))
    rating_events()
    moderations()
    decisions()
    texts()


def rating_events() -> None:
    op.create_table(
        "rating_events",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("proposal_id", ID, nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("vote", sa.SmallInteger(), nullable=False),
        sa.Column("important", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length(pseudonym) = 32", name=op.f("ck_rating_events_pseudonym")),
        sa.CheckConstraint("vote IN (-1, 0, 1)", name=op.f("ck_rating_events_vote")),
        about_a_proposal("rating_events"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_events")),
    )
    op.create_index(op.f("ix_rating_events_proposal_id_id"), "rating_events", ["proposal_id", "id"], unique=False)
    op.create_index(op.f("ix_rating_events_pseudonym"), "rating_events", ["pseudonym"], unique=False)


def moderations() -> None:
    op.create_table(
        "moderations",
        sa.Column("proposal_id", ID, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("flags", JSON, nullable=False),
        sa.Column("merged_into", ID, nullable=True),
        sa.Column("original", sa.LargeBinary(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(one_of("state", STATES), name=op.f("ck_moderations_state")),
        about_a_proposal("moderations"),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["proposals.id"], name=op.f("fk_moderations_merged_into_proposals"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_moderations")),
    )
    op.create_index(op.f("ix_moderations_state_proposal_id"), "moderations", ["state", "proposal_id"], unique=False)
    op.create_index(op.f("ix_moderations_merged_into"), "moderations", ["merged_into"], unique=False)


def decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("proposal_id", ID, nullable=False),
        sa.Column("staff_id", ID, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(one_of("kind", KINDS), name=op.f("ck_decisions_kind")),
        about_a_proposal("decisions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index(op.f("ix_decisions_proposal_id_id"), "decisions", ["proposal_id", "id"], unique=False)


def texts() -> None:
    op.create_table(
        "proposal_texts",
        sa.Column("proposal_id", ID, nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("translator", sa.Text(), nullable=False),
        sa.Column("reviewed", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        about_a_proposal("proposal_texts"),
        sa.PrimaryKeyConstraint("proposal_id", "language", name=op.f("pk_proposal_texts")),
        sqlite_with_rowid=False,
    )


def about_a_proposal(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_proposal_id_proposals")
    return sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name=name, ondelete="CASCADE")


def one_of(column: str, words: tuple[str, ...]) -> str:
    return " OR ".join(f"{column} = '{word}'" for word in words)


def downgrade() -> None:
    for table in ("proposal_texts", "decisions", "moderations", "rating_events"):
        op.drop_table(table)
    for column in ("longitude", "latitude", "place"):
        op.drop_column("proposals", column)
