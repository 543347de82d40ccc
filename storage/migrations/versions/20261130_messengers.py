"""The guessed language of contacts without a chosen one, and whether the last question to an address arrived."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_messengers"
down_revision = "20261130_installation"
branch_labels = None
depends_on = None

FROM_WISHES = (
    "UPDATE contacts SET spoken_language = (SELECT min(opt_ins.language) FROM opt_ins"
    " WHERE opt_ins.contact_id = contacts.id) WHERE language IS NULL"
)
"""Subscriptions were requested in the words of a language."""


def upgrade() -> None:
    op.add_column("contacts", sa.Column("spoken_language", sa.Text(), nullable=True))
    op.add_column("addresses", sa.Column("question_missed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(FROM_WISHES)


def downgrade() -> None:
    op.drop_column("addresses", "question_missed")
    op.drop_column("contacts", "spoken_language")
