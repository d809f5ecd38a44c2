"""The tables of a store. Data is canonical JSON text; times are UTC text that sorts (``hutch.model.event.instant``)."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text, UniqueConstraint, and_

metadata = MetaData()

# AUTOINCREMENT: a position or a job's id is never given out twice, even after a deletion.
events = Table(
    "events",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("salt", Text, nullable=False),
    Column("data_hash", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("stream", "seq", name="events_stream_seq"),
    sqlite_autoincrement=True,
)

Index("events_kind_at", events.c.kind, events.c.at)

# state: waiting, taken (by owner until lease_until), dead (given up, kept for the record); a finished job goes.
jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("lock", Text, nullable=False),
    Column("unique_key", Text, nullable=False),
    Column("run_at", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("lease_until", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index("jobs_state_run_at", jobs.c.state, jobs.c.run_at)
Index(
    "jobs_unique_waiting",
    jobs.c.kind,
    jobs.c.lock,
    jobs.c.unique_key,
    unique=True,
    sqlite_where=and_(jobs.c.state == "waiting", jobs.c.unique_key != ""),
)

meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))
