from __future__ import annotations

import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from tests.providers.migrations.by_us import Shop

from hutch.ports import Connection, TargetConfig
from hutch.providers.migrations import provider
from rolerabbit import database
from rolerabbit.embedded.postgres import Postgres
from rolerabbit.migrate import bundled

BUNDLED = Path(str(files("rolerabbit") / "migrations"))
LOCK_KEY = database.ADVISORY_LOCK
TITLES = """-- migrate:up transaction:false
CREATE TABLE themes (id int PRIMARY KEY, name text);
ALTER TABLE portfolios ADD COLUMN theme text; -- ; not here
CREATE UNIQUE INDEX CONCURRENTLY portfolio_titles ON portfolios (title);

-- migrate:down
DROP INDEX CONCURRENTLY portfolio_titles;
"""


INDEX = """-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY portfolio_titles ON portfolios (title);
-- migrate:down
DROP INDEX CONCURRENTLY portfolio_titles;
"""


def _migrate(tool: psycopg.Connection[Any]) -> None:
    tool.execute("create index concurrently portfolio_titles on portfolios (title)")
    tool.execute("insert into schema_migrations (version, started_at, finished_at) values ('900', now(), now())")


@dataclass(frozen=True)
class Server:
    """The embedded server, a database on it with RoleRabbit's schema, and a folder for further migrations."""

    postgres: Postgres
    name: str
    extra: Path

    def url(self, role: str = "") -> str:
        return self.postgres.url_for(self.name, role, f"{role}-word") if role else self.postgres.url_for(self.name)

    def connect(self, application: str = "console") -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(), autocommit=True, application_name=application)

    def write_index(self) -> None:
        """A migration that makes nothing but an index, concurrently."""
        self.write(INDEX)

    def write(self, text: str = TITLES, name: str = "900_themes.sql") -> None:
        (self.extra / name).write_text(text)

    def wait_for(self, condition: LiteralString) -> None:
        """Until the condition holds in the database."""
        with self.connect() as session:
            deadline = time.monotonic() + 60
            while session.execute(condition).fetchone() != (True,):
                assert time.monotonic() < deadline, condition
                time.sleep(0.02)

    @contextmanager
    def building(self) -> Iterator[None]:
        """The tool at work: it holds its lock, and its concurrent index waits for an old transaction."""
        self.write_index()
        with self.connect() as old, self.connect("rolerabbit-db") as tool:
            old.execute("begin isolation level repeatable read")
            old.execute("select count(*) from portfolios")
            tool.execute("select pg_advisory_lock(%s)", [LOCK_KEY])
            runner = threading.Thread(target=_migrate, args=(tool,))
            runner.start()
            try:
                self.wait_for("select count(*) = 1 from pg_stat_progress_create_index")
                yield
            finally:
                old.execute("rollback")
                runner.join(60)

    def titles(self, *titles: str) -> None:
        """Portfolios with these titles, the same one twice makes a unique index fail half-way."""
        with self.connect() as session:
            session.execute(
                "insert into users (email, password_hash) values ('a@example.com', 'x') on conflict do nothing"
            )
            for title in titles:
                session.execute(
                    "insert into portfolios (user_id, title, subdomain)"
                    " select id, %s, gen_random_uuid()::text from users limit 1",
                    [title],
                )


Opened = Callable[..., AbstractAsyncContextManager[Connection]]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres.temporary() as running:
        with psycopg.connect(running.url, autocommit=True) as admin:
            admin.execute(
                "create role watcher login password 'watcher-word'; grant pg_monitor, pg_read_all_data to watcher"
            )
            admin.execute("create role stranger login password 'stranger-word'")
        database.up(running.createdb("model_service"), bundled())
        yield running


@pytest.fixture
def server(postgres: Postgres, tmp_path: Path) -> Iterator[Server]:
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute("drop database if exists service with (force)")
        admin.execute("create database service template model_service")
    extra = tmp_path / "migrations"
    extra.mkdir()
    yield Server(postgres, "service", extra)


@pytest.fixture
def shop(postgres: Postgres, tmp_path: Path) -> Shop:
    """A database with nothing in it, and a folder for migrations that Hutch runs itself."""
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute("drop database if exists scratch with (force)")
        admin.execute("create database scratch")
    folder = tmp_path / "scratch"
    folder.mkdir()
    return Shop(postgres.url_for("scratch"), postgres.url_for("scratch", "watcher", "watcher-word"), folder)


@pytest.fixture
def target(server: Server) -> Opened:
    """Opens the provider with RoleRabbit's own tool and files; keywords are settings."""

    @asynccontextmanager
    async def opened(**settings: object) -> AsyncIterator[Connection]:
        chosen: dict[str, object] = {
            "url": server.url("watcher"),
            "owner_url": server.url(),
            "folder": [str(BUNDLED), str(server.extra)],
            "command": [sys.executable, "-m", "rolerabbit", "db", "up"],
            "env": {"RR_MIGRATIONS_EXTRA": str(server.extra)},
            "sample_gap": 0.1,
            **settings,
        }
        connection = provider.open(TargetConfig("shop", chosen, lambda: datetime.now(UTC)))
        try:
            yield connection
        finally:
            await connection.close()

    return opened
