# ruff: noqa: S608 - every part of these texts stands in this file
"""States belong to a revision: live, draft or test; and a consultation stores when it was closed and archived."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261130_stages"
down_revision = "20261130_release"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CURRENT = sa.text("until IS NULL")
RELEASED = "p.released_at IS NOT NULL AND p.withdrawn_at IS NULL"
NO_TRIAL = " AND p.consultation_id NOT IN (SELECT consultation_id FROM trials)"


def upgrade() -> None:
    op.add_column("consultations", sa.Column("closed_at", UtcDateTime(), nullable=True))
    op.add_column("consultations", sa.Column("archived_at", UtcDateTime(), nullable=True))
    op.create_table(
        "revision_stages",
        sa.Column("consultation_id", ID, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.Column("back_to", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "stage = 'live' OR stage = 'test' OR stage = 'draft'", name=op.f("ck_revision_stages_stage")
        ),
        sa.ForeignKeyConstraint(
            ["consultation_id"],
            ["consultations.id"],
            name=op.f("fk_revision_stages_consultation_id_consultations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["revisions.id"],
            name=op.f("fk_revision_stages_revision_id_revisions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("consultation_id", "stage", "period", name=op.f("pk_revision_stages")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_revision_stages_revision_id"), "revision_stages", ["revision_id"], unique=False)
    op.create_index(
        "ix_revision_stages_current",
        "revision_stages",
        ["consultation_id", "stage"],
        unique=True,
        sqlite_where=CURRENT,
        postgresql_where=CURRENT,
    )
    op.create_table(
        "trials",
        sa.Column("consultation_id", ID, autoincrement=False, nullable=False),
        sa.Column("tested_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"],
            ["consultations.id"],
            name=op.f("fk_trials_consultation_id_consultations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tested_id"], ["consultations.id"], name=op.f("fk_trials_tested_id_consultations")),
        sa.PrimaryKeyConstraint("consultation_id", name=op.f("pk_trials")),
        sa.UniqueConstraint("tested_id", name=op.f("uq_trials_tested_id")),
    )
    _put_what_is_there_into_stages()
    _make_views(is_new=True)


def downgrade() -> None:
    """For the older program drafts would be live and tests would count, so they are resolved before."""
    waiting = sa.text("SELECT count(*) FROM revision_stages WHERE stage <> 'live' AND until IS NULL")
    if op.get_bind().execute(waiting).scalar_one():
        raise RuntimeError("older tables know no drafts and tests: go live with them or take them back first")
    _make_views(is_new=False)
    op.drop_table("trials")
    op.drop_table("revision_stages")
    op.drop_column("consultations", "archived_at")
    op.drop_column("consultations", "closed_at")


def _put_what_is_there_into_stages() -> None:
    """Until now each revision was live from its publication to the next one."""
    op.execute(
        """
        INSERT INTO revision_stages
            (consultation_id, stage, period, revision_id, since, until, ends_at, back_to)
        SELECT r.consultation_id, 'live', o.period, r.id, r.published_at, n.published_at, c.closes_at,
            NULLIF(o.period - 1, 0)
        FROM revisions r
        JOIN consultations c ON c.id = r.consultation_id
        JOIN (
            SELECT id, row_number() OVER (PARTITION BY consultation_id ORDER BY number) AS period,
                lead(id) OVER (PARTITION BY consultation_id ORDER BY number) AS next_id
            FROM revisions
        ) o ON o.id = r.id
        LEFT JOIN revisions n ON n.id = o.next_id"""
    )
    consultations = sa.table("consultations", sa.column("state"), sa.column("archived_at", UtcDateTime()))
    # The time of archiving is unknown: they can be restored as long as those archived now.
    op.execute(consultations.update().where(consultations.c.state == "archived").values(archived_at=datetime.now(UTC)))


def _make_views(*, is_new: bool) -> None:
    """On PostgreSQL views are replaced, so that privileges stay."""
    connection = op.get_bind()
    words = _Words(connection.dialect.name)
    views = {
        "v_answers_long": answers(words, is_new),
        "v_responses": responses(words, is_new),
        "v_proposals": proposals(words, is_new),
        "v_ratings": ratings(words, is_new),
        "v_status": status(words, is_new),
    }
    for name, query in views.items():
        loses_columns = not is_new and name in {"v_answers_long", "v_responses"}
        if words.sqlite or loses_columns:
            connection.exec_driver_sql(f"DROP VIEW {name}")
        replace = "" if words.sqlite else "OR REPLACE "
        connection.exec_driver_sql(f"CREATE {replace}VIEW {name} AS {query}")


class _Words:
    """The SQL that differs between the two databases."""

    def __init__(self, dialect: str) -> None:
        self.sqlite = dialect == "sqlite"

    def moment(self, column: str) -> str:
        if self.sqlite:
            return f"substr({column}, 1, 19) || 'Z'"
        return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""

    def flag(self, column: str) -> str:
        return column if self.sqlite else f"CAST({column} AS integer)"

    def plain(self, column: str) -> str:
        text = f"json_extract({column}, '$')" if self.sqlite else f"CAST({column} AS jsonb) #>> '{{}}'"
        return f"CASE WHEN substr({column}, 1, 1) = '\"' THEN {text} ELSE {column} END"

    def json(self, column: str) -> str:
        return column if self.sqlite else f"CAST({column} AS text)"


def _tested(is_new: bool) -> tuple[str, str, str]:
    """The slug (for a trial that of the tested consultation), the flag, and the tables for both."""
    if not is_new:
        return "c.slug", "", ""
    return (
        "coalesce(o.slug, c.slug)",
        ", CASE WHEN o.id IS NULL THEN 0 ELSE 1 END AS test",
        " LEFT JOIN trials t ON t.consultation_id = c.id LEFT JOIN consultations o ON o.id = t.tested_id",
    )


def answers(words: _Words, is_new: bool) -> str:
    slug, flag, tables = _tested(is_new)
    withheld = "a.free_text AND m.id IS NULL"
    return f"""
        SELECT {slug} AS consultation, {words.flag("c.sample")} AS sample, r.number AS revision,
            s.pseudonym AS response_id, a.question_key,
            CASE WHEN {withheld} THEN NULL ELSE {words.plain("a.value")} END AS value,
            CASE WHEN {withheld} AND a.value IS NOT NULL THEN 1 ELSE 0 END AS withheld,
            a.missing, {words.moment("a.answered_at")} AS answered_at, a.channel, a.language, a.mode, a.version{flag}
        FROM answers a
        JOIN sessions s ON s.id = a.session_id
        JOIN consultations c ON c.id = a.consultation_id
        JOIN revisions r ON r.id = a.revision_id
        LEFT JOIN moderations m
            ON m.session_id = a.session_id AND m.question_key = a.question_key AND m.state = 'released'{tables}"""


def responses(words: _Words, is_new: bool) -> str:
    slug, flag, tables = _tested(is_new)
    return f"""
        SELECT {slug} AS consultation, {words.flag("c.sample")} AS sample, r.number AS revision,
            s.pseudonym AS response_id, s.status, s.channel, s.language, s.mode, s.place_code,
            {words.moment("s.started_at")} AS started_at, {words.moment("s.ended_at")} AS ended_at,
            (SELECT count(a.value) FROM answers a WHERE a.session_id = s.id) AS answers,
            (SELECT count(a.missing) FROM answers a WHERE a.session_id = s.id) AS missing{flag}
        FROM sessions s
        JOIN consultations c ON c.id = s.consultation_id
        JOIN revisions r ON r.id = s.revision_id{tables}"""


def proposals(words: _Words, is_new: bool) -> str:
    return f"""
        SELECT c.slug AS consultation, {words.flag("c.sample")} AS sample, p.code, p.title, p.text, p.language,
            p.district, p.topic, p.status, p.source, p.source_id,
            {words.moment("p.created_at")} AS created_at, {words.moment("p.released_at")} AS released_at
        FROM proposals p
        JOIN consultations c ON c.id = p.consultation_id
        WHERE {RELEASED}{NO_TRIAL if is_new else ""}"""


def ratings(words: _Words, is_new: bool) -> str:
    return f"""
        SELECT c.slug AS consultation, p.code, r.pseudonym AS response_id, r.vote,
            {words.flag("r.important")} AS important, {words.moment("r.rated_at")} AS rated_at
        FROM ratings r
        JOIN proposals p ON p.id = r.proposal_id
        JOIN consultations c ON c.id = p.consultation_id
        WHERE {RELEASED}{NO_TRIAL if is_new else ""}"""


def status(words: _Words, is_new: bool) -> str:
    return f"""
        SELECT c.slug AS consultation, p.code, h.status, {words.json("h.reason")} AS reason, h.body, h.link,
            {words.moment("h.at")} AS at
        FROM proposal_statuses h
        JOIN proposals p ON p.id = h.proposal_id
        JOIN consultations c ON c.id = p.consultation_id
        WHERE {RELEASED}{NO_TRIAL if is_new else ""}"""
