# ruff: noqa: S608 - every part of these texts stands in this file
"""The views that other programs read. docs/develop/data.md promises their columns: add some, never change or
drop one.
"""

from alembic import op

revision = "20261123_views"
down_revision = "20261123_first_house"
branch_labels = None
depends_on = None

RELEASED = "p.released_at IS NOT NULL AND p.withdrawn_at IS NULL"


def upgrade() -> None:
    words = _Words(op.get_bind().dialect.name)
    for view in (answers, responses, proposals, ratings, status):
        # Executed by the driver: in `op.execute` the colons of a time format would be parameters.
        op.get_bind().exec_driver_sql(view(words))


def downgrade() -> None:
    for name in ("v_status", "v_ratings", "v_proposals", "v_responses", "v_answers_long"):
        op.execute(f"DROP VIEW {name}")


class _Words:
    """The SQL that differs between the two databases."""

    def __init__(self, dialect: str) -> None:
        self.sqlite = dialect == "sqlite"

    def moment(self, column: str) -> str:
        """ISO 8601 in UTC, to the second: exact times would help to identify a person."""
        if self.sqlite:
            return f"substr({column}, 1, 19) || 'Z'"
        return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""

    def flag(self, column: str) -> str:
        """0 or 1, which every tool reads alike."""
        return column if self.sqlite else f"CAST({column} AS integer)"

    def plain(self, column: str) -> str:
        """Returns a JSON text without its quotes; numbers, booleans and lists as written."""
        text = f"json_extract({column}, '$')" if self.sqlite else f"CAST({column} AS jsonb) #>> '{{}}'"
        return f"CASE WHEN substr({column}, 1, 1) = '\"' THEN {text} ELSE {column} END"

    def json(self, column: str) -> str:
        return column if self.sqlite else f"CAST({column} AS text)"


def answers(words: _Words) -> str:
    return f"""
        CREATE VIEW v_answers_long AS
        SELECT c.slug AS consultation, {words.flag("c.sample")} AS sample, r.number AS revision,
            s.pseudonym AS response_id, a.question_key,
            CASE WHEN a.free_text THEN NULL ELSE {words.plain("a.value")} END AS value,
            CASE WHEN a.free_text AND a.value IS NOT NULL THEN 1 ELSE 0 END AS withheld,
            a.missing, {words.moment("a.answered_at")} AS answered_at, a.channel, a.language, a.mode, a.version
        FROM answers a
        JOIN sessions s ON s.id = a.session_id
        JOIN consultations c ON c.id = a.consultation_id
        JOIN revisions r ON r.id = a.revision_id"""


def responses(words: _Words) -> str:
    return f"""
        CREATE VIEW v_responses AS
        SELECT c.slug AS consultation, {words.flag("c.sample")} AS sample, r.number AS revision,
            s.pseudonym AS response_id, s.status, s.channel, s.language, s.mode, s.place_code,
            {words.moment("s.started_at")} AS started_at, {words.moment("s.ended_at")} AS ended_at,
            (SELECT count(a.value) FROM answers a WHERE a.session_id = s.id) AS answers,
            (SELECT count(a.missing) FROM answers a WHERE a.session_id = s.id) AS missing
        FROM sessions s
        JOIN consultations c ON c.id = s.consultation_id
        JOIN revisions r ON r.id = s.revision_id"""


def proposals(words: _Words) -> str:
    return f"""
        CREATE VIEW v_proposals AS
        SELECT c.slug AS consultation, {words.flag("c.sample")} AS sample, p.code, p.title, p.text, p.language,
            p.district, p.topic, p.status, p.source, p.source_id,
            {words.moment("p.created_at")} AS created_at, {words.moment("p.released_at")} AS released_at
        FROM proposals p
        JOIN consultations c ON c.id = p.consultation_id
        WHERE {RELEASED}"""


def ratings(words: _Words) -> str:
    return f"""
        CREATE VIEW v_ratings AS
        SELECT c.slug AS consultation, p.code, r.pseudonym AS response_id, r.vote,
            {words.flag("r.important")} AS important, {words.moment("r.rated_at")} AS rated_at
        FROM ratings r
        JOIN proposals p ON p.id = r.proposal_id
        JOIN consultations c ON c.id = p.consultation_id
        WHERE {RELEASED}"""


def status(words: _Words) -> str:
    return f"""
        CREATE VIEW v_status AS
        SELECT c.slug AS consultation, p.code, h.status, {words.json("h.reason")} AS reason, h.body, h.link,
            {words.moment("h.at")} AS at
        FROM proposal_statuses h
        JOIN proposals p ON p.id = h.proposal_id
        JOIN consultations c ON c.id = p.consultation_id
        WHERE {RELEASED}"""
