from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from hutch.ports import Connection, TargetConfig
from hutch.providers.audit import provider
from rolerabbit import database
from rolerabbit.embedded.postgres import Postgres
from rolerabbit.migrate import bundled

ROLES = """
create role watcher login password 'watcher-word';
grant pg_read_all_data to watcher;
create role operator login password 'operator-word';
grant pg_read_all_data to operator;
grant insert, update on ip_blocklist, account_restrictions, limit_steps to operator;
"""
EMPTY = "truncate users, security_logs, audit_logs, ip_blocklist, account_restrictions, limit_steps cascade"


@dataclass(frozen=True)
class Service:
    """RoleRabbit's own tables on the embedded server, and what happens in them."""

    postgres: Postgres
    admin: psycopg.Connection[Any]

    def url(self, role: str) -> str:
        return self.postgres.url_for("postgres", role, f"{role}-word")

    def users(self, count: int, host: str = "example.com") -> list[UUID]:
        rows = self.admin.execute(
            "insert into users (email, password_hash) select 'person' || gen_random_uuid() || '@' || %s, 'x'"
            " from generate_series(1, %s) returning id",
            [host, count],
        )
        return [row[0] for row in rows]

    def failures(self, address: str, account: UUID | None, count: int, ago: float = 1.0) -> None:
        """Failed log-ins, the last ``ago`` seconds ago, one a second before it."""
        self.admin.execute(
            "insert into security_logs (event_type, user_id, ip_address, created_at)"
            " select 'LOGIN_FAILURE', %s, %s, now() - make_interval(secs => %s + n) from generate_series(1, %s) n",
            [account, address, ago, count],
        )

    def login(self, address: str, account: UUID, ago: float = 0.0) -> None:
        self.did("user.logged_in", account, 1, ago, address=address)

    def did(
        self,
        action: str,
        account: UUID | None,
        count: int,
        ago: float = 0.0,
        address: str = "198.18.9.9",
        gap: float = 1,
    ) -> None:
        """Rows of the audit log, the last ``ago`` seconds ago, ``gap`` seconds apart."""
        self.admin.execute(
            "insert into audit_logs (action, user_id, ip_address, details, created_at) select %s, %s, %s,"
            " jsonb_build_object('portfolio_id', gen_random_uuid()),"
            " now() - make_interval(secs => %s + (n - 1) * %s) from generate_series(1, %s) n",
            [action, account, address, ago, gap, count],
        )

    def count(self, table: str) -> int:
        [row] = self.admin.execute(f"select count(*) from {table}".encode())  # one of our own names
        return int(row[0])


Opened = Callable[..., AbstractAsyncContextManager[Connection]]


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    with Postgres.temporary() as postgres:
        database.up(postgres.url, bundled())
        with psycopg.connect(postgres.url, autocommit=True) as admin:
            admin.execute(ROLES)
            yield Service(postgres, admin)


@pytest.fixture
def service(server: Service) -> Service:
    server.admin.execute(EMPTY)
    return server


@pytest.fixture
def target(service: Service) -> Opened:
    """Opens the provider with ``watcher`` for reading and ``operator`` for changes; keywords are settings."""

    @asynccontextmanager
    async def opened(**settings: object) -> AsyncIterator[Connection]:
        chosen = {"url": service.url("watcher"), "operator_url": service.url("operator"), **settings}
        connection = provider.open(TargetConfig("shop", chosen, lambda: datetime.now(UTC)))
        try:
            yield connection
        finally:
            await connection.close()

    return opened
