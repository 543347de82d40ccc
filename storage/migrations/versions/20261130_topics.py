"""Free text is neither a topic nor a district of a proposal.

`topic_from` and `district_from` could name a question for free text; its text was shown beside released proposals
without having been released. A topic is a code of a question with a list of answers, in any stored revision.
"""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "20261130_topics"
down_revision = "20261130_audit"
branch_labels = None
depends_on = None

CODES = (
    *(f"{number:02}" for number in range(1, 13)),
    "outside",
    *("0_6", "6_15", "15_18", "18_27", "27_45", "45_55", "55_65", "65_plus"),
)
"""Codes of districts and age bands; codes of other lists are in the revisions."""
OWN = "(source IS NULL OR source = 'wave')"
"""Imported proposals have the topic of their source."""


def upgrade() -> None:
    connection = op.get_bind()
    contents = connection.execute(sa.text("SELECT content FROM revisions"))
    codes = {*CODES, *(code for (content,) in contents for code in _codes(json.loads(content)))}
    for column in ("topic", "district"):
        rows = connection.execute(
            sa.text(f"SELECT id, {column} FROM proposals WHERE {column} IS NOT NULL AND {OWN}")  # noqa: S608 - ours
        )
        words = [{"id": id_} for id_, value in rows if value not in codes]
        if words:
            connection.execute(sa.text(f"UPDATE proposals SET {column} = NULL WHERE id = :id"), words)  # noqa: S608


def downgrade() -> None:
    """Does nothing: the texts are deleted for good, on purpose."""


def _codes(content: dict[str, Any]) -> Iterator[str]:
    for question in content.get("questions", ()):
        yield from (option["value"] for option in question.get("options", ()))
