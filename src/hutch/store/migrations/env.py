"""Alembic's entry: it migrates the connection that ``hutch.store.upgrade`` hands over, in that one's transaction."""

from __future__ import annotations

from alembic import context

from hutch.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
