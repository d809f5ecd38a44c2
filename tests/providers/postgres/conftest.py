from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import pytest

from hutch.ports import Connection, TargetConfig
from hutch.providers.postgres import provider
from rolerabbit.embedded.postgres import Postgres

MAX_CONNECTIONS = 20
ROLES = """
create role app login password 'app-word';
create role watcher login password 'watcher-word';
grant pg_monitor to watcher;
create role operator login password 'operator-word';
grant pg_monitor, pg_signal_backend, pg_use_reserved_connections to operator;
create role warden login password 'warden-word';
grant pg_monitor, pg_use_reserved_connections to warden;
create role postgres_owner login password 'postgres_owner-word';
create table portfolios (id int primary key, title text);
insert into portfolios select n, 'portfolio ' || n from generate_series(1, 1000) n;
grant select, insert, update, delete on portfolios to app;
grant select on portfolios to watcher, warden;
alter table portfolios owner to postgres_owner;
"""


@dataclass(frozen=True)
class Server:
    """The embedded server and its logins' addresses."""

    postgres: Postgres
    max_connections: int

    def url(self, role: str) -> str:
        return self.postgres.url_for("postgres", role, f"{role}-word")

    def connect(self, role: str = "app", application: str = "web/43", **options: object) -> psycopg.Connection:
        return psycopg.connect(self.url(role), application_name=application, **options)  # type: ignore[arg-type]

    @contextmanager
    def filled(self, application: str) -> Iterator[list[psycopg.Connection]]:
        """Every connection that an ordinary role can get, also once those that are just closing have gone."""
        with ExitStack() as stack:
            taken: list[psycopg.Connection] = []
            refused = 0
            while refused < 4:
                try:
                    taken.append(stack.enter_context(self.connect(application=application, autocommit=True)))
                except psycopg.OperationalError as error:
                    assert "reserved" in str(error)
                    refused += 1
                    time.sleep(0.1)
            yield taken


Opened = Callable[..., AbstractAsyncContextManager[Connection]]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Postgres.temporary(max_connections=MAX_CONNECTIONS, reserved_connections=2) as postgres:
        with psycopg.connect(postgres.url, autocommit=True) as admin:
            admin.execute(ROLES)
        yield Server(postgres, MAX_CONNECTIONS)


@pytest.fixture
def target(server: Server) -> Opened:
    """Opens the provider with ``watcher`` for reading and ``operator`` for changes; keywords are settings."""

    @asynccontextmanager
    async def opened(**settings: object) -> AsyncIterator[Connection]:
        chosen = {"url": server.url("watcher"), "operator_url": server.url("operator"), **settings}
        connection = provider.open(TargetConfig("shop", chosen, lambda: datetime.now(UTC)))
        try:
            yield connection
        finally:
            await connection.close()

    return opened


@pytest.fixture
def leak(server: Server) -> Iterator[Callable[..., list[psycopg.Connection]]]:
    """Opens sessions that stay idle in a transaction, as a release does that forgets to give them back."""
    held: list[psycopg.Connection] = []

    def begin(count: int, role: str = "app", application: str = "web/43") -> list[psycopg.Connection]:
        new = [server.connect(role, application) for _ in range(count)]
        for session in new:
            session.execute("select title from portfolios where id = 7 and title <> 'private'")
        held.extend(new)
        return new

    yield begin
    for session in held:
        session.close()
