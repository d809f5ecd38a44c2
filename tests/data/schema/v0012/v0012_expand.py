"""Adds what a newer version needs and leaves all that the old one uses."""

from __future__ import annotations

import os

from alembic import op

revision = "0012"
down_revision = os.environ["BEFORE"]
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column that the old version never names."""
    op.execute("ALTER TABLE events ADD COLUMN region text")
