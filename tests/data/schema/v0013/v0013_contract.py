"""Takes away what only the old version uses."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An index that nobody needs any more."""
    op.execute("DROP INDEX events_kind_at")
