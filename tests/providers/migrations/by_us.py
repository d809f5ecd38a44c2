"""A folder of dbmate's files and a database with nothing in it, for migrations that Hutch runs itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from hutch.model.action import Command
from hutch.model.effect import Effect
from hutch.model.finding import Cause, Finding
from hutch.ports import Connection, TargetConfig
from hutch.providers.migrations import provider

USERS = """-- migrate:up
CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL);
-- migrate:down
DROP TABLE users;
"""
NICK = """-- migrate:up
ALTER TABLE users ADD COLUMN nick text;
CREATE INDEX users_nick ON users (nick);
-- migrate:down
DROP INDEX users_nick;
ALTER TABLE users DROP COLUMN nick;
"""
ALONE = """-- migrate:up transaction:false
ALTER TABLE users ADD COLUMN age int;
CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email);
ALTER TABLE users ADD COLUMN town text;
-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS users_email;
ALTER TABLE users DROP COLUMN town, DROP COLUMN age;
"""


@dataclass(frozen=True)
class Shop:
    """The database and the folder; ``settings`` are the provider's."""

    owner: str
    reader: str
    folder: Path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.owner, autocommit=True, application_name="console") as session:
            cursor = session.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def versions(self) -> list[str]:
        return [row[0] for row in self.sql("select version from schema_migrations order by 1")]

    def settings(self, **more: object) -> dict[str, object]:
        return {
            "url": self.reader,
            "owner_url": self.owner,
            "folder": [str(self.folder)],
            "sample_gap": 0.05,
            "lock_timeout": 0.3,
            **more,
        }

    @asynccontextmanager
    async def opened(self, **more: object) -> AsyncIterator[Connection]:
        connection = provider.open(TargetConfig("shop", self.settings(**more), lambda: datetime.now(UTC)))
        try:
            yield connection
        finally:
            await connection.close()

    async def looked(self, **more: object) -> tuple[Finding, list[Cause]]:
        async with self.opened(**more) as connection:
            finding = await connection.checks["migrations.state"]()
        return finding, list(provider.explain([finding]))

    async def does(self, action: str, args: Mapping[str, object] | None = None, **more: object) -> Any:
        """The preview, the outcome and the verification."""
        async with self.opened(**more) as connection:
            found = connection.actions[action]
            preview = await found.preview(args or {})
            outcome = await found.apply(args or {})
            return preview, outcome, await found.verify(args or {})

    async def reads(self, name: str, args: Mapping[str, object], **more: object) -> Any:
        async with self.opened(**more) as connection:
            return await connection.runs[name](Command(name, "", "shop", Effect.READ, args=args))
