# ruff: noqa: S608 - every part of these texts stands in this file
"""Open answers are reviewed and released like proposals.

A row of `moderations` belongs to a proposal or to an answer; decisions and translations refer to that row. Existing
answers enter the queue. A downgrade drops the states of answers, their decisions and translations; texts edited for
privacy stay edited.
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from storage.core.base import UtcDateTime

revision = "20261130_release"
down_revision = "20261130_path"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
STATES = ("waiting", "released", "hidden", "merged", "split")
KINDS = ("approve", "hide", "edit", "merge", "split", "translate", "status", "restore")
AT_ONCE = 5_000
EPOCH_MS = 1_767_225_600_000  # 2026-01-01, as in the ids of the program
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

NOTED = "state, flags, merged_into, original, changed_at, split_from"
DECIDED = "staff_id, kind, reason, at"
TRANSLATED = "language, title, text, translator, reviewed, at"


def upgrade() -> None:
    set_aside()
    moderations(
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("proposal_id", ID, nullable=True),
        sa.Column("session_id", ID, nullable=True),
        sa.Column("question_key", sa.Text(), nullable=True),
        sa.Column("consultation_id", ID, nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        *rules_of_either(),
        flags_may_be_missing=True,
    )
    op.create_index(
        op.f("ix_moderations_consultation_id_state_id"), "moderations", ["consultation_id", "state", "id"], unique=False
    )
    referring("moderation_id", "moderations")
    op.execute(
        f"INSERT INTO moderations (id, proposal_id, {NOTED}) SELECT proposal_id, proposal_id, {NOTED} FROM old_states"
    )
    op.execute(  # imported proposals that were not reviewed here
        "INSERT INTO moderations (id, proposal_id, state, flags, changed_at) SELECT p.id, p.id, "
        "CASE WHEN p.released_at IS NULL THEN 'waiting' ELSE 'released' END, '[]', p.created_at FROM proposals p "
        "WHERE NOT EXISTS (SELECT 1 FROM moderations m WHERE m.id = p.id)"
    )
    bring_back("moderation_id", "proposal_id")
    for row in waiting_answers(op.get_bind()):
        op.get_bind().execute(new_rows, row)
    make_view(withheld_until_released=True)


def downgrade() -> None:
    make_view(withheld_until_released=False)
    set_aside()
    moderations(
        sa.Column("proposal_id", ID, autoincrement=False, nullable=False),
        about("proposal_id", "proposals", "moderations"),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_moderations")),
    )
    referring("proposal_id", "proposals")
    only = "proposal_id IS NOT NULL"
    op.execute(f"UPDATE old_states SET flags = '[]' WHERE {only} AND flags IS NULL")
    op.execute(
        f"INSERT INTO moderations (proposal_id, {NOTED}) SELECT proposal_id, {NOTED} FROM old_states WHERE {only}"
    )
    bring_back(
        "proposal_id", "moderation_id", f"WHERE moderation_id IN (SELECT proposal_id FROM old_states WHERE {only})"
    )


def set_aside() -> None:
    """Copies the rows of three tables, which are then created again with other keys."""
    for name, kept in (
        ("proposal_texts", "old_texts"),
        ("decisions", "old_decisions"),
        ("moderations", "old_states"),
    ):
        op.execute(f"CREATE TABLE {kept} AS SELECT * FROM {name}")
        op.drop_table(name)


def bring_back(new: str, old: str, only: str = "") -> None:
    """Fills the two tables that refer to moderations, and drops the copies."""
    op.execute(f"INSERT INTO decisions (id, {new}, {DECIDED}) SELECT id, {old}, {DECIDED} FROM old_decisions {only}")
    op.execute(f"INSERT INTO proposal_texts ({new}, {TRANSLATED}) SELECT {old}, {TRANSLATED} FROM old_texts {only}")
    for kept in ("old_texts", "old_decisions", "old_states"):
        op.drop_table(kept)


def moderations(*first: Any, flags_may_be_missing: bool = False) -> None:
    op.create_table(
        "moderations",
        *(it for it in first if isinstance(it, sa.Column)),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("flags", JSON, nullable=flags_may_be_missing),
        sa.Column("merged_into", ID, nullable=True),
        sa.Column("original", sa.LargeBinary(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("split_from", ID, nullable=True),
        *(it for it in first if not isinstance(it, sa.Column)),
        sa.CheckConstraint(one_of("state", STATES), name=op.f("ck_moderations_state")),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["proposals.id"], name=op.f("fk_moderations_merged_into_proposals"), ondelete="SET NULL"
        ),
    )
    for columns in (["state", "proposal_id"], ["merged_into"], ["split_from"]):
        op.create_index(op.f(f"ix_moderations_{'_'.join(columns)}"), "moderations", columns, unique=False)


def rules_of_either() -> tuple[Any, ...]:
    """A row belongs to a proposal, whose id it has, or to an answer."""
    rules = {
        "of_one": "(proposal_id IS NULL) <> (session_id IS NULL)",
        "proposal_id": "proposal_id IS NULL OR proposal_id = id",
        "question_key": "(session_id IS NULL) = (question_key IS NULL)",
        "consultation_id": "(session_id IS NULL) = (consultation_id IS NULL)",
        "code": "(session_id IS NULL) = (code IS NULL)",
    }
    return (
        *(sa.CheckConstraint(rule, name=op.f(f"ck_moderations_{name}")) for name, rule in rules.items()),
        about("proposal_id", "proposals", "moderations"),
        sa.ForeignKeyConstraint(
            ["session_id", "question_key"],
            ["answers.session_id", "answers.question_key"],
            name=op.f("fk_moderations_session_id_answers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderations")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_moderations_proposal_id")),
        sa.UniqueConstraint("session_id", "question_key", name=op.f("uq_moderations_session_id_question_key")),
        sa.UniqueConstraint("code", name=op.f("uq_moderations_code")),
    )


def referring(column: str, to: str) -> None:
    """The tables of decisions and translations; `column` refers to a row of the table `to`."""
    op.create_table(
        "decisions",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column(column, ID, nullable=False),
        sa.Column("staff_id", ID, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(one_of("kind", KINDS), name=op.f("ck_decisions_kind")),
        about(column, to, "decisions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index(op.f(f"ix_decisions_{column}_id"), "decisions", [column, "id"], unique=False)
    op.create_table(
        "proposal_texts",
        sa.Column(column, ID, nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("translator", sa.Text(), nullable=False),
        sa.Column("reviewed", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        about(column, to, "proposal_texts"),
        sa.PrimaryKeyConstraint(column, "language", name=op.f("pk_proposal_texts")),
        sqlite_with_rowid=False,
    )


def about(column: str, to: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete="CASCADE")


def one_of(column: str, words: tuple[str, ...]) -> str:
    return " OR ".join(f"{column} = '{word}'" for word in words)


answers = sa.table(
    "answers",
    sa.column("session_id", ID),
    sa.column("question_key", sa.Text()),
    sa.column("consultation_id", ID),
    sa.column("value", sa.Text()),
    sa.column("free_text", sa.Boolean()),
    sa.column("answered_at", UtcDateTime()),
)
new_rows = sa.insert(
    sa.table(
        "moderations",
        *(sa.column(name, ID) for name in ("id", "session_id", "consultation_id")),
        *(sa.column(name, sa.Text()) for name in ("question_key", "code", "state")),
        sa.column("changed_at", UtcDateTime()),
    )
)


def waiting_answers(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    """Yields the moderation rows of existing answers, page by page: memory holds one page, and all ids and codes.

    A recording or a picture without text is not reviewed. Flags are computed at the review.
    """
    numbers, codes = set(connection.scalars(sa.text("SELECT id FROM proposals"))), set[str]()
    key = (answers.c.session_id, answers.c.question_key)
    after: Sequence[Any] = (0, "")
    while rows := connection.execute(
        sa.select(*key, answers.c.consultation_id, answers.c.answered_at)
        .where(answers.c.free_text, answers.c.value.is_not(None))
        .where(answers.c.value.not_in(['"[voice]"', '"[picture]"']))
        .where(sa.tuple_(*key) > sa.tuple_(*after))
        .order_by(*key)
        .limit(AT_ONCE)
    ).all():
        yield [
            {
                "id": new_number(numbers, row.answered_at),
                "session_id": row.session_id,
                "question_key": row.question_key,
                "consultation_id": row.consultation_id,
                "code": new_code(codes),
                "state": "waiting",
                "changed_at": row.answered_at,
            }
            for row in rows
        ]
        after = rows[-1][:2]


def new_number(taken: set[int], moment: datetime) -> int:
    """A random id that keeps the position of the answer in the queue."""
    milliseconds = max(int(moment.timestamp() * 1000) - EPOCH_MS, 1)
    number = milliseconds << 22 | secrets.randbits(22)
    while number in taken:
        number += 1
    taken.add(number)
    return number


def new_code(taken: set[str]) -> str:
    code = ""
    while not code or code in taken:
        number = secrets.randbits(40)
        letters = "".join(LETTERS[number >> shift & 31] for shift in range(0, 40, 5))
        code = f"T-{letters[:4]}-{letters[4:]}"
    taken.add(code)
    return code


def make_view(*, withheld_until_released: bool) -> None:
    """`v_answers_long`: texts of residents appear once they are released."""
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        op.execute("DROP VIEW v_answers_long")
    text = "json_extract(a.value, '$')" if is_sqlite else "CAST(a.value AS jsonb) #>> '{}'"
    moment = (
        "substr(a.answered_at, 1, 19) || 'Z'"
        if is_sqlite
        else """to_char(a.answered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
    )
    is_kept, released = ("a.free_text AND m.id IS NULL", RELEASED) if withheld_until_released else ("a.free_text", "")
    # Executed by the driver: in `op.execute` the colons of a time format would be parameters. Replaced, not dropped, on
    # PostgreSQL, so that privileges stay.
    connection.exec_driver_sql(f"""
        {"CREATE" if is_sqlite else "CREATE OR REPLACE"} VIEW v_answers_long AS
        SELECT c.slug AS consultation, {"c.sample" if is_sqlite else "CAST(c.sample AS integer)"} AS sample,
            r.number AS revision, s.pseudonym AS response_id, a.question_key,
            CASE WHEN {is_kept} THEN NULL
                ELSE CASE WHEN substr(a.value, 1, 1) = '"' THEN {text} ELSE a.value END END AS value,
            CASE WHEN {is_kept} AND a.value IS NOT NULL THEN 1 ELSE 0 END AS withheld,
            a.missing, {moment} AS answered_at, a.channel, a.language, a.mode, a.version
        FROM answers a
        JOIN sessions s ON s.id = a.session_id
        JOIN consultations c ON c.id = a.consultation_id
        JOIN revisions r ON r.id = a.revision_id {released}""")


RELEASED = """
        LEFT JOIN moderations m
            ON m.session_id = a.session_id AND m.question_key = a.question_key AND m.state = 'released'"""
