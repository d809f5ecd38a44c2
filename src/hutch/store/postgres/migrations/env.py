"""Alembic's entry: it migrates the connection that ``hutch.store.upgrade`` hands over, in that one's transaction."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
