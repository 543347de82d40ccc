"""The end of pushes."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261201_push_expiry"
down_revision = "20261201_dialogue_tests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("broadcasts", sa.Column("expires_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("broadcasts", "expires_at")
