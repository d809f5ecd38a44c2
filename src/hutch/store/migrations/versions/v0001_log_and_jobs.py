"""The event log, the jobs beside it, and what the file says of itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    _create_events()
    _create_jobs()
    op.create_table("meta", sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False))


def _create_events() -> None:
    texts = ("at", "actor", "kind", "data", "salt", "data_hash", "prev_hash", "hash")
    op.create_table(
        "events",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        sa.UniqueConstraint("stream", "seq", name="events_stream_seq"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_kind_at", "events", ["kind", "at"])


def _create_jobs() -> None:
    texts = ("kind", "lock", "unique_key", "run_at", "data", "state")
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        sa.Column("attempts", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("owner", "lease_until")),
        sqlite_autoincrement=True,
    )
    op.create_index("jobs_state_run_at", "jobs", ["state", "run_at"])
    op.create_index(
        "jobs_unique_waiting",
        "jobs",
        ["kind", "lock", "unique_key"],
        unique=True,
        sqlite_where=sa.text("state = 'waiting' AND unique_key != ''"),
    )
