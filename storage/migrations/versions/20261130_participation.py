# ruff: noqa: S608 - every part of this text stands in this file
"""`v_responses` tells whether a participation is answered, and by date that none is unfinished after the end; an index
of unfinished ones.
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_participation"
down_revision = "20261130_editions"
branch_labels = None
depends_on = None

END = (
    "CASE WHEN c.closed_at IS NOT NULL AND (c.closes_at IS NULL OR c.closed_at < c.closes_at) "
    "THEN c.closed_at ELSE c.closes_at END"
)
ANSWERED = """
            CASE WHEN EXISTS (
                SELECT 1 FROM answers a WHERE a.session_id = s.id AND a.value IS NOT NULL AND NOT EXISTS (
                    SELECT 1 FROM consents k WHERE k.pseudonym = s.pseudonym AND k.question_key = a.question_key
                )
            ) OR EXISTS (SELECT 1 FROM ratings v WHERE v.pseudonym = s.pseudonym) THEN 1 ELSE 0 END AS answered"""


WAITS = sa.text("status = 'waiting'")


def upgrade() -> None:
    op.create_index(
        "ix_sessions_waiting", "sessions", ["consultation_id", "id"], sqlite_where=WAITS, postgresql_where=WAITS
    )
    _make(is_new=True)


def downgrade() -> None:
    _make(is_new=False)
    op.drop_index("ix_sessions_waiting", "sessions")


def _make(*, is_new: bool) -> None:
    """On PostgreSQL the view is replaced, so that privileges stay; columns cannot be removed that way."""
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite or not is_new:
        connection.exec_driver_sql("DROP VIEW v_responses")
    replace = "" if is_sqlite else "OR REPLACE "
    connection.exec_driver_sql(f"CREATE {replace}VIEW v_responses AS {_responses(is_sqlite, is_new)}")


def _responses(is_sqlite: bool, is_new: bool) -> str:
    now = "strftime('%Y-%m-%dT%H:%M:%f', 'now')" if is_sqlite else "now()"
    is_left = f"s.status = 'waiting' AND (c.state <> 'open' OR c.closes_at <= {now})"
    status = f"CASE WHEN {is_left} THEN 'interrupted' ELSE s.status END" if is_new else "s.status"
    ended = f"CASE WHEN {is_left} THEN coalesce({END}, s.updated_at) ELSE s.ended_at END" if is_new else "s.ended_at"
    sample = "c.sample" if is_sqlite else "CAST(c.sample AS integer)"
    return f"""
        SELECT coalesce(o.slug, c.slug) AS consultation, {sample} AS sample, r.number AS revision,
            s.pseudonym AS response_id, {status} AS status, s.channel, s.language, s.mode, s.place_code,
            {_moment("s.started_at", is_sqlite)} AS started_at, {_moment(ended, is_sqlite)} AS ended_at,
            (SELECT count(a.value) FROM answers a WHERE a.session_id = s.id) AS answers,
            (SELECT count(a.missing) FROM answers a WHERE a.session_id = s.id) AS missing,
            CASE WHEN o.id IS NULL THEN 0 ELSE 1 END AS test{f",{ANSWERED}" if is_new else ""}
        FROM sessions s
        JOIN consultations c ON c.id = s.consultation_id
        JOIN revisions r ON r.id = s.revision_id
        LEFT JOIN trials t ON t.consultation_id = c.id LEFT JOIN consultations o ON o.id = t.tested_id"""


def _moment(column: str, is_sqlite: bool) -> str:
    """ISO 8601 in UTC, to the second."""
    if is_sqlite:
        return f"substr({column}, 1, 19) || 'Z'"
    return f"""to_char(({column}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
