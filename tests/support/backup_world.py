"""A small shop in an embedded Postgres, and the backup provider over it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from hutch.model.action import Command, Outcome
from hutch.model.effect import Effect
from hutch.ports import Connection, TargetConfig
from hutch.providers.backup import provider
from rolerabbit.embedded.postgres import Postgres

KEY = base64.b64encode(bytes(range(32))).decode()
SHOP = """
create table users (id serial primary key, email text unique);
create table "Portfolio Items" (id serial primary key, owner int references users on delete cascade, title text);
create index on "Portfolio Items" (owner);
insert into users (email) select 'u' || n || '@example.org' from generate_series(1, 300) n;
insert into "Portfolio Items" (owner, title) select 1 + n % 300, md5(n::text) from generate_series(1, 2000) n;
create view titles as select title from "Portfolio Items";
"""


@dataclass(frozen=True)
class Shop:
    """The server, the database on it, and what is configured for its backups."""

    postgres: Postgres
    url: str
    settings: Mapping[str, object]

    def opened(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC), **changed: object) -> Connection:
        """The provider's connection; keywords are settings."""
        given = {s.name: s.default for s in provider.settings} | dict(self.settings) | changed
        return provider.open(TargetConfig("shop", given, now))

    def scratches(self) -> list[str]:
        """The scratch databases that there are."""
        with psycopg.connect(self.url) as session:
            rows = session.execute("select datname from pg_database where datname like 'hutch_scratch_%'").fetchall()
        return [str(row[0]) for row in rows]


async def listed(connection: Connection, **args: object) -> Outcome:
    """What `backup.list` says."""
    command = Command("backup.list", "backup.list", connection.target, Effect.READ, args=args)
    return await connection.runs["backup.list"](command)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Hutch = Callable[..., Ended]
