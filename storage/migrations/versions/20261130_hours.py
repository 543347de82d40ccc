# ruff: noqa: S608 - every part of these texts stands in this file
"""Participation stores hours instead of exact times.

Data that needed the exact times is stored separately and computed here before they are cut: the period of the live
revision in which a participation began (the end promised to it), and the proposal from which a vote was carried over by
a merge. A counter of turns shows that there was a message. New answers also store their duration as a class. Times of
staff stay.

A downgrade restores nothing: for the earlier program, every participation began at the full hour.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

revision = "20261130_hours"
down_revision = "20261130_identity"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HOURS = {
    "sessions": {"started_at": "", "updated_at": "", "ended_at": ""},
    "answers": {"answered_at": ""},
    "consents": {"at": ""},
    "attachments": {"at": ""},
    "proposals": {"created_at": "source IS NULL", "withdrawn_at": ""},
    "moderations": {"changed_at": "state = 'waiting'"},
    "decisions": {"at": "staff_id IS NULL"},
    "ratings": {"rated_at": ""},
    "rating_events": {"at": ""},
}
"""The columns, with conditions: other rows store the times of staff."""
ADDED = (
    ("sessions", sa.Column("turns", sa.Integer(), server_default="1", nullable=False)),
    ("sessions", sa.Column("period", sa.Integer(), server_default="0", nullable=False)),
    ("answers", sa.Column("took", sa.Integer(), nullable=True)),
    ("ratings", sa.Column("carried_from", ID, nullable=True)),
    ("rating_events", sa.Column("carried_from", ID, nullable=True)),
)
PERIOD = """
    UPDATE sessions SET period = coalesce(
        (SELECT max(p.period) FROM revision_stages p WHERE p.consultation_id = sessions.consultation_id
            AND p.stage = 'live' AND p.since <= sessions.started_at),
        (SELECT min(p.period) FROM revision_stages p WHERE p.consultation_id = sessions.consultation_id
            AND p.stage = 'live'),
        0)"""
CARRIED = """
    UPDATE {table} SET carried_from = (
        SELECT min(r.proposal_id) FROM ratings r JOIN moderations m ON m.id = r.proposal_id
        WHERE m.state = 'merged' AND r.pseudonym = {table}.pseudonym AND r.rated_at = {table}.{at}
            AND r.proposal_id <> {table}.proposal_id AND r.carried_from IS NULL)
    WHERE proposal_id IN (SELECT merged_into FROM moderations WHERE merged_into IS NOT NULL) {only}"""
"""a carried vote had the time of the vote it repeats"""


def upgrade() -> None:
    connection = op.get_bind()
    for table, added in ADDED:
        op.add_column(table, added)
    op.execute(PERIOD)
    op.execute(CARRIED.format(table="rating_events", at="at", only="AND question_key IS NULL"))
    op.execute(CARRIED.format(table="ratings", at="rated_at", only=""))
    for table, columns in HOURS.items():
        for column, only in columns.items():
            hour = _hour(connection, column)
            op.execute(f"UPDATE {table} SET {column} = {hour} WHERE {column} <> {hour} {only and 'AND ' + only}")
    if connection.dialect.name == "postgresql":  # the earlier rows are still in the pages of their tables
        for table in HOURS:
            op.execute(
                f"INSERT INTO erasures (table_name, erased, rewritten) VALUES ('{table}', 1, 0) "
                "ON CONFLICT (table_name) DO UPDATE SET erased = erasures.erased + 1"
            )


def downgrade() -> None:
    for table, added in ADDED:
        op.drop_column(table, added.name)


def _hour(connection: Connection, column: str) -> str:
    if connection.dialect.name == "sqlite":
        return f"substr({column}, 1, 13) || ':00:00.000000Z'"
    return f"date_trunc('hour', {column} AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
