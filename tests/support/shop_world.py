"""A shop's database on an embedded server, backups of it, and recoveries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from hutch.ports import Connection, TargetConfig
from hutch.providers.backup import provider
from rolerabbit.embedded.postgres import Postgres

SCHEMA = """
create table users (id uuid primary key default gen_random_uuid(), email text not null unique);
create table portfolios (
    id bigint generated always as identity primary key,
    user_id uuid references users (id) on delete set null,
    title text not null, subdomain text not null unique, words int generated always as (length(title)) stored,
    updated_at timestamptz not null default now()
);
create table pages (
    portfolio_id bigint not null references portfolios (id) on delete cascade, number int not null,
    body text not null default '', primary key (portfolio_id, number)
);
create table audit_logs (
    id bigint generated always as identity primary key, user_id uuid, action varchar(100) not null,
    details jsonb not null default '{}', ip_address inet, created_at timestamptz not null default now()
);
"""
VANDAL = "00000000-0000-4000-8000-0000000000bd"
OWNER = "00000000-0000-4000-8000-000000000001"


@dataclass
class Shop:
    """One database with everything that a recovery needs; ``settings`` of the provider."""

    postgres: Postgres
    name: str
    folder: Path
    settings: dict[str, object] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.postgres.url_for(self.name)

    def run(self, statement: str, *params: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), params or None)
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, *params: object) -> Any:
        [row] = self.run(statement, *params)
        return row[0]

    def deleted(
        self, where: str, by: str = VANDAL, table: str = "portfolios", action: str = "portfolio.deleted"
    ) -> int:
        """Delete rows as the service does it: the entry of the audit log in the same transaction."""
        statement = f"""
            with gone as (delete from {table} where {where} returning id),
            noted as (insert into audit_logs (user_id, action, details)
                      select '{by}', 'portfolio.deleted', jsonb_build_object('portfolio_id', id) from gone returning 1)
            select count(*) from noted"""
        return int(self.one(statement))

    @asynccontextmanager
    async def opened(self, **settings: object) -> AsyncIterator[Connection]:
        given = {
            **{s.name: s.default for s in provider.settings}, "url": self.url, "to": str(self.folder),
            "recover_url": self.url, "tools": str(self.postgres.bin_dir), **self.settings, **settings,
        }  # fmt: skip
        connection = provider.open(TargetConfig("shop", given, lambda: datetime.now(UTC)))
        try:
            yield connection
        finally:
            await connection.close()

    async def backup(self, **settings: object) -> str:
        """Make one; its name."""
        async with self.opened(**settings) as connection:
            action = connection.actions["backup.create"]
            outcome = await action.apply({})
            assert outcome.result == "done", outcome
            return str(action.last)  # type: ignore[attr-defined]

    def scratches(self) -> list[str]:
        found = self.run("select datname from pg_database where datname like 'hutch%%scratch%%'")
        return [row[0] for row in found]


@contextmanager
def database(postgres: Postgres, name: str) -> Iterator[None]:
    postgres.createdb(name)
    try:
        yield
    finally:
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
