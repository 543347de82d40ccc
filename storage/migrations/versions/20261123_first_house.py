"""The first tables: identity, messages, outbox, consultations, participation, proposals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from storage.core.base import UtcDateTime

revision = "20261123_first_house"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
PROPOSAL_STATUS = (
    "status = 'received' OR status = 'under_consideration' OR status = 'next_phase' "
    "OR status = 'accepted' OR status = 'rejected' OR status = 'done'"
)
MISSING = (
    "missing = 'not_asked' OR missing = 'skipped' OR missing = 'refused' "
    "OR missing = 'dont_know' OR missing = 'interrupted'"
)


def upgrade() -> None:
    identity()
    consultations()
    participation()
    proposals()
    protect_revisions()


def identity() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("stopped_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    op.create_table(
        "addresses",
        sa.Column("lookup", sa.LargeBinary(), nullable=False),
        sa.Column("contact_id", ID, nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("unreachable_at", UtcDateTime(), nullable=True),
        sa.Column("unreachable_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("length(lookup) = 32", name=op.f("ck_addresses_lookup")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_addresses_contact_id_contacts"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("lookup", name=op.f("pk_addresses")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_addresses_contact_id"), "addresses", ["contact_id"], unique=False)
    op.create_table(
        "received",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "external_id", name=op.f("pk_received")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("lookup", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("length(lookup) = 32", name=op.f("ck_dead_letters_lookup")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
    )
    op.create_index(op.f("ix_dead_letters_at"), "dead_letters", ["at"], unique=False)
    op.create_index(op.f("ix_dead_letters_lookup"), "dead_letters", ["lookup"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("lookup", sa.LargeBinary(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("channel_ref", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'waiting') = (payload IS NOT NULL)", name=op.f("ck_outbox_no_text_once_settled")),
        sa.CheckConstraint("(state = 'waiting') = (settled_at IS NULL)", name=op.f("ck_outbox_settled_at")),
        sa.CheckConstraint(
            "lookup IS NOT NULL OR (state <> 'waiting' AND purpose IN ('reply', 'farewell'))",
            name=op.f("ck_outbox_address_while_needed"),
        ),
        sa.CheckConstraint(
            "purpose = 'reply' OR purpose = 'broadcast' OR purpose = 'notice' OR purpose = 'farewell'",
            name=op.f("ck_outbox_purpose"),
        ),
        sa.CheckConstraint(
            "state = 'waiting' OR state = 'sent' OR state = 'refused' OR state = 'unreachable' OR state = 'unknown'",
            name=op.f("ck_outbox_state"),
        ),
        sa.ForeignKeyConstraint(
            ["lookup"], ["addresses.lookup"], name=op.f("fk_outbox_lookup_addresses"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        op.f("ix_outbox_lookup"),
        "outbox",
        ["lookup"],
        unique=False,
        sqlite_where=sa.text("lookup IS NOT NULL"),
        postgresql_where=sa.text("lookup IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["channel", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )


def consultations() -> None:
    op.create_table(
        "consultations",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opens_at", UtcDateTime(), nullable=True),
        sa.Column("closes_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "state = 'open' OR state = 'closed' OR state = 'archived'", name=op.f("ck_consultations_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consultations")),
        sa.UniqueConstraint("slug", name=op.f("uq_consultations_slug")),
    )
    op.create_table(
        "revisions",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("consultation_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultations.id"], name=op.f("fk_revisions_consultation_id_consultations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
        sa.UniqueConstraint("consultation_id", "content_hash", name=op.f("uq_revisions_consultation_id_content_hash")),
        sa.UniqueConstraint("consultation_id", "number", name=op.f("uq_revisions_consultation_id_number")),
    )
    op.create_table(
        "triggers",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("consultation_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"],
            ["consultations.id"],
            name=op.f("fk_triggers_consultation_id_consultations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("kind", "value", name=op.f("pk_triggers")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_triggers_consultation_id"), "triggers", ["consultation_id"], unique=False)


def participation() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    json_rule = "value IS NULL OR " + ("json_valid(value)" if is_sqlite else "value::jsonb IS NOT NULL")
    op.create_table(
        "sessions",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("consultation_id", ID, nullable=False),
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("waiting_key", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("place_code", sa.Text(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("mode = 'self' OR mode = 'assisted' OR mode = 'paper'", name=op.f("ck_sessions_mode")),
        sa.CheckConstraint(
            "status = 'waiting' OR status = 'completed' OR status = 'interrupted'", name=op.f("ck_sessions_status")
        ),
        sa.CheckConstraint(
            "waiting_key IS NULL OR status <> 'interrupted'", name=op.f("ck_sessions_no_key_once_interrupted")
        ),
        sa.CheckConstraint("length(pseudonym) = 32", name=op.f("ck_sessions_pseudonym")),
        sa.CheckConstraint("length(waiting_key) = 16", name=op.f("ck_sessions_waiting_key")),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultations.id"], name=op.f("fk_sessions_consultation_id_consultations")
        ),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name=op.f("fk_sessions_revision_id_revisions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("pseudonym", "consultation_id", name=op.f("uq_sessions_pseudonym_consultation_id")),
        sa.UniqueConstraint("receipt", name=op.f("uq_sessions_receipt")),
        sa.UniqueConstraint("waiting_key", name=op.f("uq_sessions_waiting_key")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(op.f("ix_sessions_consultation_id_id"), "sessions", ["consultation_id", "id"], unique=False)
    op.create_table(
        "answers",
        sa.Column("session_id", ID, nullable=False),
        sa.Column("question_key", sa.Text(), nullable=False),
        sa.Column("consultation_id", ID, nullable=False),
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("missing", sa.Text(), nullable=True),
        sa.Column("free_text", sa.Boolean(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            MISSING,
            name=op.f("ck_answers_missing"),
        ),
        sa.CheckConstraint("mode = 'self' OR mode = 'assisted' OR mode = 'paper'", name=op.f("ck_answers_mode")),
        sa.CheckConstraint("(value IS NULL) <> (missing IS NULL)", name=op.f("ck_answers_value_or_missing")),
        sa.CheckConstraint(json_rule, name=op.f("ck_answers_value_is_json")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_answers_session_id_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "question_key", name=op.f("pk_answers")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "consents",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("consultation_id", ID, nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("question_key", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length(pseudonym) = 32", name=op.f("ck_consents_pseudonym")),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultations.id"], name=op.f("fk_consents_consultation_id_consultations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_pseudonym_id"), "consents", ["pseudonym", "id"], unique=False)


def proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("consultation_id", ID, nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=True),
        sa.Column("question_key", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="received", nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            PROPOSAL_STATUS,
            name=op.f("ck_proposals_status"),
        ),
        sa.CheckConstraint("length(pseudonym) = 32", name=op.f("ck_proposals_pseudonym")),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultations.id"], name=op.f("fk_proposals_consultation_id_consultations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("code", name=op.f("uq_proposals_code")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_proposals_source_source_id")),
    )
    op.create_index(op.f("ix_proposals_consultation_id_id"), "proposals", ["consultation_id", "id"], unique=False)
    op.create_index(op.f("ix_proposals_pseudonym"), "proposals", ["pseudonym"], unique=False)
    op.create_table(
        "ratings",
        sa.Column("proposal_id", ID, nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("vote", sa.SmallInteger(), nullable=False),
        sa.Column("important", sa.Boolean(), nullable=False),
        sa.Column("rated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length(pseudonym) = 32", name=op.f("ck_ratings_pseudonym")),
        sa.CheckConstraint("vote IN (-1, 0, 1)", name=op.f("ck_ratings_vote")),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposals.id"], name=op.f("fk_ratings_proposal_id_proposals"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("proposal_id", "pseudonym", name=op.f("pk_ratings")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_ratings_pseudonym"), "ratings", ["pseudonym"], unique=False)
    op.create_table(
        "proposal_statuses",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("proposal_id", ID, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", JSON, nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            PROPOSAL_STATUS,
            name=op.f("ck_proposal_statuses_status"),
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["proposals.id"],
            name=op.f("fk_proposal_statuses_proposal_id_proposals"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_statuses")),
    )
    op.create_index(
        op.f("ix_proposal_statuses_proposal_id_id"), "proposal_statuses", ["proposal_id", "id"], unique=False
    )


def protect_revisions() -> None:
    """Answers were given to exactly this text, so it never changes. Foreign keys refuse to delete a revision with
    sessions.
    """
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER revisions_never_change BEFORE UPDATE ON revisions "
            "BEGIN SELECT RAISE(ABORT, 'a published revision never changes'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'a published revision never changes' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER revisions_never_change BEFORE UPDATE ON revisions FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for table in (
        "proposal_statuses",
        "ratings",
        "proposals",
        "consents",
        "answers",
        "sessions",
        "triggers",
        "revisions",
        "consultations",
        "outbox",
        "dead_letters",
        "received",
        "addresses",
        "contacts",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_change()")
