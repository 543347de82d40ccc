"""The last sign-out of helpers."""

import sqlalchemy as sa
from alembic import op

from storage.core.base import UtcDateTime

revision = "20261201_staff_signed_out"
down_revision = "20261201_push_expiry"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("staff", sa.Column("signed_out_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("staff", "signed_out_at")
